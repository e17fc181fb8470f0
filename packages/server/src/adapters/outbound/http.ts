import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Clock } from '../../ports/clock.ts'
import { type Outbound, OutboundFailed, type OutboundRequest, type OutboundResponse } from '../../ports/outbound.ts'
import type { Guard } from './guard.ts'
import { messageOf, pinnedTo } from './pinned.ts'

const TIMEOUT_MS = 10_000
const LARGEST_ANSWER = 64 * 1024

/** Requests on connections of their own, made to the addresses that `guard` checked: a second resolution never happens. */
export function createHttpOutbound(deps: { guard: Guard; clock: Clock }): Outbound {
  const { guard, clock } = deps

  /** The whole exchange has its time, the resolution of the name included. */
  async function send(request: OutboundRequest): Promise<OutboundResponse> {
    const url = guard.parse(request.url)
    const limit = request.milliseconds ?? TIMEOUT_MS
    const overdue = new AbortController()
    let cancel = () => {}
    const late = new Promise<never>((_resolve, reject) => {
      cancel = clock.after(limit, () => {
        reject(new OutboundFailed(`${url.hostname} did not answer within ${limit / 1000} seconds`))
        overdue.abort()
      })
    })
    try {
      return await Promise.race([late, exchange(url, request, overdue.signal)])
    } finally {
      cancel()
    }
  }

  async function exchange(url: URL, request: OutboundRequest, signal: AbortSignal): Promise<OutboundResponse> {
    const addresses = await guard.resolve(url.hostname)
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) => reject(new OutboundFailed(messageOf(cause), { cause }))
      const body = request.body === undefined ? null : Buffer.from(request.body)
      const outgoing = (url.protocol === 'https:' ? https : http).request(url, {
        method: request.method,
        headers: {
          'accept-encoding': 'identity',
          ...(body ? { 'content-length': String(body.length) } : {}),
          ...request.headers,
        },
        // A pooled connection would skip the check of its address.
        agent: false,
        lookup: pinnedTo(addresses),
        signal,
      })
      outgoing.on('error', fail)
      outgoing.on('response', (incoming) =>
        readAnswer(incoming).then((text) => {
          outgoing.destroy()
          resolve({ status: incoming.statusCode ?? 0, headers: headersOf(incoming), body: text })
        }, fail),
      )
      outgoing.end(body ?? undefined)
    })
  }

  return {
    async check(url) {
      await guard.resolve(guard.parse(url).hostname)
    },
    async send(request) {
      try {
        return await send(request)
      } catch (error) {
        // Node refuses headers and paths that would break out of their line; it says so synchronously.
        throw error instanceof TypeError ? new OutboundFailed(error.message, { cause: error }) : error
      }
    },
  }
}

async function readAnswer(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= LARGEST_ANSWER) break
  }
  return Buffer.concat(chunks).subarray(0, LARGEST_ANSWER).toString('utf8')
}

const headersOf = (incoming: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, [value].flat().join(', ')]))
