import type { IncomingMessage } from 'node:http'

/** What concerns one connection alone, and is not passed on to the next. */
const ofTheConnection = new Set([
  'connection',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
])

/** Headers of a request to a proxy as the host is sent them. The host is the one of the address, whatever a header says. */
export const forwardedHeaders = (request: IncomingMessage, host: string): Record<string, string | string[]> => ({
  ...passed(request),
  host,
})

/** Headers of the host's answer as the agent's program is sent them. */
export const returnedHeaders = (incoming: IncomingMessage): Record<string, string[]> => passed(incoming)

function passed({ headersDistinct, headers }: IncomingMessage): Record<string, string[]> {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
  return Object.fromEntries(
    Object.entries(headersDistinct).flatMap(([name, values]) =>
      values === undefined || ofTheConnection.has(name) || named.has(name) ? [] : [[name, values]],
    ),
  )
}
