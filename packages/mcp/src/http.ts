import { createSseReader, pauseAfter } from '@lictor/wire'
import type { McpClock } from './clock.ts'
import { McpDisconnected, McpSessionLost } from './errors.ts'
import { readMessage } from './messages.ts'
import type { OpenTransport, SentAbout } from './transport.ts'

export interface HttpOptions {
  /** Address of the server's endpoint, sent to as it is configured. */
  readonly url: string
  /** Sent with every request; a key, for example. */
  readonly headers: Readonly<Record<string, string>>
  readonly fetch: typeof globalThis.fetch
  /** Bytes that an answer may have. */
  readonly largestMessage: number
  /** Hears what the server says that answers nothing, by a stream of its own where the server has one; the clock tells when to try again. */
  readonly listening?: McpClock
}

/** What a transport over HTTP is told once the versions are agreed upon. */
export interface HttpState {
  protocolVersion: string | null
  /** The era without sessions says in headers what the body says. */
  isModern: boolean
}

/** MCP over Streamable HTTP: each message is a request of its own, answered as JSON or as a stream of events. */
export const httpTransport =
  (options: HttpOptions, state: HttpState): OpenTransport =>
  async (events) => {
    const { url, headers, fetch, largestMessage } = options
    let session: string | null = null
    /** What the server said when it knew the session no more. */
    let forgotten: string | null = null
    let isClosed = false
    const closing = new AbortController()

    function headersOf(about: SentAbout | undefined): Record<string, string> {
      return {
        ...headers,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(session === null ? {} : { 'mcp-session-id': session }),
        ...(state.protocolVersion === null ? {} : { 'mcp-protocol-version': state.protocolVersion }),
        ...(state.isModern && about
          ? { 'mcp-method': about.method, ...(about.name === undefined ? {} : { 'mcp-name': about.name }) }
          : {}),
      }
    }

    /** Nothing that comes can be relied upon any more: whoever uses the connection begins anew. */
    function lost(reason: string): never {
      if (!isClosed) {
        isClosed = true
        closing.abort()
        events.closed(reason)
      }
      throw new McpDisconnected(reason)
    }

    async function read(response: Response): Promise<void> {
      const type = response.headers.get('content-type') ?? ''
      if (response.body === null) return
      const decoder = new TextDecoder()
      const sse = /^text\/event-stream/i.test(type) ? createSseReader(largestMessage) : null
      let text = ''
      let size = 0
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        size += chunk.byteLength
        if (size > largestMessage) lost(`The server answered more than ${largestMessage} bytes`)
        const piece = decoder.decode(chunk, { stream: true })
        if (sse === null) text += piece
        // The first event of a stream may be empty: it only gives an id.
        else for (const { data } of sse.push(piece)) if (data !== '') events.message(data)
      }
      if (sse === null && text.trim() !== '') events.message(text)
    }

    /** A server that has no such stream says so; one that breaks off is asked again, from where it broke off. */
    async function listen(clock: McpClock): Promise<void> {
      let last: string | null = null
      for (let failures = 0; !isClosed && forgotten === null; failures++) {
        if (failures > 0) await new Promise<void>((resolve) => clock.after(pauseAfter(failures, LISTEN_AGAIN), resolve))
        if (isClosed || forgotten !== null) return
        const { 'content-type': _, ...headers } = headersOf(undefined)
        const since: Record<string, string> = last === null ? {} : { 'last-event-id': last }
        try {
          const response = await fetch(url, {
            headers: { ...headers, accept: 'text/event-stream', ...since },
            signal: closing.signal,
          })
          const isStream = /^text\/event-stream/i.test(response.headers.get('content-type') ?? '')
          if (!response.ok || !isStream || response.body === null) {
            await response.body?.cancel()
            if (response.status < 500) return
            continue
          }
          const decoder = new TextDecoder()
          const sse = createSseReader(largestMessage)
          for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
            for (const { data, id } of sse.push(decoder.decode(chunk, { stream: true }))) {
              failures = 0
              last = id === '' ? last : id
              if (data !== '') events.message(data)
            }
        } catch {
          // Calls tell whether the server is there; this stream is only tried again.
        }
      }
    }

    return {
      async send(text, about) {
        if (isClosed) throw new McpDisconnected('The connection is closed.')
        if (forgotten !== null) throw new McpSessionLost(forgotten)
        const signal = about?.signal ? AbortSignal.any([closing.signal, about.signal]) : closing.signal
        let response: Response
        try {
          response = await fetch(url, { method: 'POST', headers: headersOf(about), body: text, signal })
        } catch (cause) {
          const reason = (cause as Error).cause ?? cause
          throw new McpDisconnected(`The server cannot be reached: ${(reason as Error).message}`, { cause })
        }
        session = response.headers.get('mcp-session-id') ?? session
        if (response.ok) {
          if (about?.method === 'notifications/initialized' && options.listening && !state.isModern)
            void listen(options.listening)
          // The answer to a long call comes late: nobody who sends waits for it here.
          void read(response)
            .then(() => 'The server ended its answer without one to this request')
            .catch((error: unknown) => `The answer broke off: ${(error as Error).message}`)
            // Where the answer has come, nobody waits for this one.
            .then((reason) => {
              if (!isClosed && !signal.aborted) events.message(brokenOff(text, reason))
            })
          return
        }
        const body = await response.text().catch(() => '')
        const said = body.trim().slice(0, 500)
        const reason = `The server answered ${response.status}${said === '' ? '' : `: ${said}`}`
        if (session !== null && isAboutSession(response.status, body)) {
          // What else is out was taken under the session, and may still be answered.
          forgotten = reason
          throw new McpSessionLost(reason)
        }
        if (looksLikeMessage(body)) return events.message(body)
        throw new McpDisconnected(reason)
      },
      async close() {
        if (isClosed) return
        isClosed = true
        closing.abort()
        if (session !== null && forgotten === null)
          await fetch(url, { method: 'DELETE', headers: headersOf(undefined), signal: AbortSignal.timeout(2000) }).then(
            (response) => response.body?.cancel(),
            () => {},
          )
        events.closed('The connection was closed')
      },
    }
  }

const LISTEN_AGAIN = { firstMs: 1000, longestMs: 30_000, jitter: 0.25 }

/** An error in the place of an answer that did not come. */
function brokenOff(request: string, message: string): string {
  const { id } = JSON.parse(request) as { id?: unknown }
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code: BROKEN_OFF, message } })
}

/** Codes that servers give to what is wrong with the transport rather than with the request. */
const ABOUT_TRANSPORT = [-32_000, -32_001]

/** Some servers say 400 where others say 404, some with the id of the request and some without. */
function isAboutSession(status: number, body: string): boolean {
  if (status === 404) return true
  if (status !== 400 || !/session/i.test(body)) return false
  const message = readMessage(body)
  return message?.kind !== 'failure' || message.id === null || ABOUT_TRANSPORT.includes(message.error.code)
}

/** A code of this package's own, for an answer that did not come whole. */
export const BROKEN_OFF = -32_099

function looksLikeMessage(body: string): boolean {
  try {
    const value = JSON.parse(body) as { id?: unknown; error?: unknown } | null
    return (
      typeof value === 'object' &&
      value !== null &&
      value.error !== undefined &&
      value.id !== undefined &&
      value.id !== null
    )
  } catch {
    return false
  }
}
