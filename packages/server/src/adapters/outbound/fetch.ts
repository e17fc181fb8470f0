import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { Readable } from 'node:stream'
import type { Fetch, Fetches } from '../../ports/fetch.ts'
import { createAddressGuard, type Guard, type Resolve } from './guard.ts'
import { messageOf, pinnedTo } from './pinned.ts'

const LOOPBACK = ['127.0.0.0/8', '::1/128']
const EVERYWHERE = ['0.0.0.0/0', '::/0']
/** Statuses that fetch takes for an answer without a body. */
const EMPTY = new Set([101, 103, 204, 205, 304])

/** @param allowed private networks that tenants' hosts may lie in, as the operator wrote them */
export function createPinnedFetches(deps: { resolve: Resolve; allowed: readonly string[] }): Fetches {
  const within = (allowed: readonly string[]) =>
    createPinnedFetch(createAddressGuard({ resolve: deps.resolve, allowed }))
  return {
    guarded: within(deps.allowed),
    loopback: within([...deps.allowed, ...LOOPBACK]),
    operator: within(EVERYWHERE),
  }
}

/**
 * `fetch` that connects to the addresses `guard` judged. Fails as the built-in one does, so that SDKs tell a network that is away
 * from an answer they cannot read: a `TypeError` 'fetch failed', with the reason as its cause; the signal's reason once it fired.
 */
export function createPinnedFetch(guard: Guard): Fetch {
  return async (input, init) => {
    // The caller's own: the signal that a Request makes of it is collected with the Request, and an abort then stops no body.
    const signal = init?.signal ?? (input instanceof Request ? input.signal : new AbortController().signal)
    signal.throwIfAborted()
    const request = new Request(input, { ...init, signal: null })
    const body = request.body === null ? null : Buffer.from(await request.arrayBuffer())
    try {
      const url = guard.parse(request.url)
      const addresses = await orAborted(signal, guard.resolve(url.hostname))
      const incoming = await answerOf(request, { body, signal }, (options, answered) =>
        (url.protocol === 'https:' ? https : http).request(
          url,
          // A pooled connection would skip the check of its address.
          { ...options, agent: false, lookup: pinnedTo(addresses) },
          answered,
        ),
      )
      return toResponse(incoming)
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      throw new TypeError('fetch failed', {
        cause: cause instanceof Error ? new Error(messageOf(cause), { cause }) : cause,
      })
    }
  }
}

type Ask = (options: https.RequestOptions, answered: (incoming: IncomingMessage) => void) => http.ClientRequest

function answerOf(
  request: Request,
  { body, signal }: { readonly body: Buffer | null; readonly signal: AbortSignal },
  ask: Ask,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = ask(
      {
        method: request.method,
        headers: {
          ...Object.fromEntries(request.headers),
          'accept-encoding': 'identity',
          ...(body ? { 'content-length': String(body.length) } : {}),
        },
        signal,
      },
      (incoming) => {
        const { statusCode = 0, headers } = incoming
        if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined && request.redirect !== 'manual') {
          outgoing.destroy()
          reject(new Error(`${statusCode} leads elsewhere, and redirects are not followed`))
        } else resolve(incoming)
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body ?? undefined)
  })
}

function toResponse(incoming: IncomingMessage): Response {
  const { statusCode: status = 0, statusMessage: statusText = '' } = incoming
  const headers = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  )
  if (EMPTY.has(status)) incoming.resume()
  return new Response(EMPTY.has(status) ? null : (Readable.toWeb(incoming) as ReadableStream), {
    status,
    statusText,
    headers,
  })
}

function orAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason)
    signal.addEventListener('abort', giveUp, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
  })
}
