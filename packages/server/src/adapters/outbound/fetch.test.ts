import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it } from 'vitest'
import { createPinnedFetches } from './fetch.ts'

let close = async () => {}
afterEach(() => close())

/** A server on this machine, which counts who reaches it. */
async function serve(listener: RequestListener) {
  const reached: string[] = []
  const server = createServer((request, response) => {
    reached.push(`${request.headers.host} ${request.url}`)
    listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  close = () =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  return { reached, port: (server.address() as AddressInfo).port }
}

/** A name server that answers so, one answer a question, the last for ever. */
function names(...answers: readonly string[][]) {
  const asked: string[] = []
  return {
    asked,
    resolve: async (hostname: string) => {
      asked.push(hostname)
      return answers[Math.min(asked.length, answers.length) - 1] ?? []
    },
  }
}

const fetches = (resolve: (hostname: string) => Promise<readonly string[]>, allowed: readonly string[] = []) =>
  createPinnedFetches({ resolve, allowed })
const failing = async (promise: Promise<unknown>): Promise<Error> => {
  const error = await promise.then(
    () => new Error('it was answered'),
    (reason: Error) => reason,
  )
  expect([error.name, error.message]).toEqual(['TypeError', 'fetch failed'])
  return error.cause as Error
}

/** What nobody holds is gone afterwards. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

describe('fetch to providers', () => {
  it('an abort ends an answer that does not end by itself, however long ago it began', async () => {
    const ended = Promise.withResolvers<void>()
    const { port } = await serve((_request, response) => {
      response.on('close', () => ended.resolve())
      response.write('first')
    })
    const abort = new AbortController()
    const answer = await fetches(names(['127.0.0.1']).resolve).operator(`http://127.0.0.1:${port}/`, {
      signal: abort.signal,
    })
    const reader = answer.body?.getReader()
    await reader?.read()
    // A turn of the event loop drops what its jobs still hold.
    await new Promise<void>((resolve) => setImmediate(resolve))
    collectGarbage()
    abort.abort()
    await expect(reader?.read()).rejects.toThrow('aborted')
    await ended.promise
  })

  it('sends what it is given under the name it was given, to the address that was judged, and streams the answer', async () => {
    let go = () => {}
    const { port, reached } = await serve((request, response) => {
      request.setEncoding('utf8').on('data', (body) => {
        response.writeHead(201, { 'content-type': 'text/event-stream', 'x-sent': `${request.method} ${body}` })
        response.write('first ')
        go = () => response.end('second, grüße')
      })
    })
    const dns = names(['127.0.0.1'], ['10.0.0.1'])
    const answer = await fetches(dns.resolve, ['127.0.0.0/8']).guarded(`http://models.example:${port}/v1/chat?x=1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"a":"ä"}',
    })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([201, 'text/event-stream'])
    expect(answer.headers.get('x-sent')).toBe('POST {"a":"ä"}')
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect(await reader?.read()).toEqual({ done: false, value: 'first ' })
    go()
    expect(await reader?.read()).toEqual({ done: false, value: 'second, grüße' })
    expect(await reader?.read()).toMatchObject({ done: true })
    expect(reached).toEqual([`models.example:${port} /v1/chat?x=1`])
    expect(dns.asked).toEqual(['models.example'])
  })

  it('a name that is public when it is judged and private when it is called reaches nothing', async () => {
    const { port, reached } = await serve((_request, response) => response.end('secret'))
    // What a second resolution would say is never asked for: the connection goes to the public address, which does not answer.
    const dns = names(['192.0.2.1'], ['127.0.0.1'])
    const { guarded } = fetches(dns.resolve, ['192.0.2.0/24'])
    const gaveUp = new AbortController()
    const answer = guarded(`http://rebind.example:${port}/`, { signal: gaveUp.signal })
    gaveUp.abort(new Error('enough'))
    await expect(answer).rejects.toThrow('enough')
    expect(dns.asked).toEqual(['rebind.example'])
    // And the next call, which resolves anew, is refused.
    const cause = await failing(guarded(`http://rebind.example:${port}/`))
    expect(cause.message).toBe(
      'URL resolves to blocked address 127.0.0.1 (network 127.0.0.0/8). Name a host outside private and local networks.',
    )
    expect(reached).toEqual([])
  })

  it('a name of which one address is private is refused', async () => {
    const { guarded } = fetches(names(['93.184.216.34', '169.254.169.254']).resolve)
    expect((await failing(guarded('https://mixed.example/'))).message).toContain('blocked address 169.254.169.254')
  })

  it.each([301, 302, 303, 307, 308])('a redirect (%d) is not followed, whoever trusts the host', async (status) => {
    const { port, reached } = await serve((_request, response) =>
      response.writeHead(status, { location: '/elsewhere' }).end(),
    )
    for (const fetch of Object.values(fetches(names(['127.0.0.1']).resolve, ['127.0.0.1'])))
      expect((await failing(fetch(`http://moved.example:${port}/`))).message).toBe(
        `${status} leads elsewhere, and redirects are not followed`,
      )
    expect(new Set(reached)).toEqual(new Set([`moved.example:${port} /`]))
  })

  it('this machine is reached by who is trusted with it, and private networks by the operator alone', async () => {
    const { port } = await serve((_request, response) => response.end('here'))
    const { guarded, loopback, operator } = fetches(names(['127.0.0.1'], ['127.0.0.1'], ['10.9.9.9']).resolve)
    const url = `http://127.0.0.1:${port}/`
    expect((await failing(guarded(url))).message).toContain('blocked address 127.0.0.1')
    expect(await (await loopback(url)).text()).toBe('here')
    expect(await (await operator(url)).text()).toBe('here')
    expect((await failing(loopback('http://10.9.9.9/'))).message).toContain('blocked address 10.9.9.9')
    expect((await failing(loopback('http://[::ffff:a00:1]/'))).message).toContain('blocked address')
  })

  it('other schemes are refused', async () => {
    const { operator } = fetches(names([]).resolve)
    expect((await failing(operator('file:///etc/passwd'))).message).toContain("URL scheme 'file' not allowed")
    expect((await failing(operator('data:text/plain,x'))).message).toContain("URL scheme 'data' not allowed")
  })

  it('who gives up is told their own reason, before and during the answer', async () => {
    const { port } = await serve((_request, response) => void response.write('a'))
    const { operator } = fetches(names(['127.0.0.1']).resolve)
    const early = AbortSignal.abort(new Error('too early'))
    await expect(operator(`http://127.0.0.1:${port}/`, { signal: early })).rejects.toThrow('too early')
    const controller = new AbortController()
    const answer = await operator(`http://127.0.0.1:${port}/`, { signal: controller.signal })
    const text = answer.text()
    controller.abort(new Error('enough'))
    await expect(text).rejects.toThrow()
    const never = new AbortController()
    const resolving = fetches(() => new Promise(() => {})).guarded('http://slow.example/', { signal: never.signal })
    never.abort(new Error('no name'))
    await expect(resolving).rejects.toThrow('no name')
  })

  it('an answer that has no body has none', async () => {
    const { port } = await serve((_request, response) => response.writeHead(204).end())
    const { operator } = fetches(names(['127.0.0.1']).resolve)
    expect((await operator(`http://127.0.0.1:${port}/`)).body).toBeNull()
  })

  it('a host that is away is told as a network that failed', async () => {
    const { port } = await serve((_request, response) => response.end())
    await close()
    close = async () => {}
    const { operator } = fetches(names(['127.0.0.1']).resolve)
    expect((await failing(operator(`http://127.0.0.1:${port}/`))).message).toContain('ECONNREFUSED')
  })
})
