import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { Readable } from 'node:stream'

/**
 * Opens a long-lived answer over a connection of its own that does not keep the process alive: an agent whose work is
 * done may end, although its contract stream is still open. `fetch` has no way to say that.
 */
export function openBackgroundStream(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? requestHttps : requestHttp
    const request = send(url, { method: 'GET', headers, signal, agent: false })
    request.on('socket', (socket) => socket.unref())
    request.on('error', reject)
    request.on('response', (response) => {
      const answered = new Headers()
      for (const [name, value] of Object.entries(response.headers)) {
        if (value !== undefined) answered.set(name, Array.isArray(value) ? value.join(', ') : value)
      }
      const body = Readable.toWeb(response) as unknown as ReadableStream<Uint8Array>
      const status = response.statusCode ?? 0
      if (status === 204 || status === 304) {
        response.resume()
        resolve(new Response(null, { status, headers: answered }))
      } else {
        resolve(new Response(body, { status, headers: answered }))
      }
    })
    request.end()
  })
}
