import type { McpClock } from '../clock.ts'
import { McpDisconnected, McpSessionLost } from '../errors.ts'
import { BROKEN_OFF, type HttpState } from '../http.ts'
import { readMessage } from '../messages.ts'
import type { Transport, TransportEvents } from '../transport.ts'

/** What one way to an upstream tells of, beside its messages. */
export interface WayEvents extends TransportEvents {
  /** A message longer than what is taken; id null where it cannot be told. */
  tooLong(id: number | null, bytes: number): void
}

/** Opens a way to an upstream. `state` tells a way over HTTP what was agreed upon. @throws anything */
export type OpenWay = (events: WayEvents, state: HttpState) => Promise<Transport>

export interface LinkEvents {
  message(text: string): void
  tooLong(id: number | null, bytes: number): void
  /** This request will have no answer: why, in a sentence. */
  lost(id: number, reason: string): void
  /** The upstream had forgotten its session, and has a new one: what was known of it may have changed. */
  renewed(): void
  /** Once: nothing comes any more. */
  closed(reason: string): void
}

/** A way to an upstream that outlives the upstream's sessions. */
export interface Link {
  /** Send one message. Resolves when the upstream has it, or never will; never rejects. */
  send(text: string): Promise<void>
  close(): Promise<void>
}

/** How long a new session may take to begin. */
const RENEWAL_MS = 30_000

/**
 * @throws what `open` throws
 */
export async function openLink(deps: {
  readonly open: OpenWay
  readonly clock: McpClock
  readonly events: LinkEvents
}): Promise<Link> {
  const { open, clock, events } = deps
  const state: HttpState = { protocolVersion: null, isModern: false }
  /** Ways whose session is over: answers to what was taken before may still come by them. */
  const past: Transport[] = []
  /** How the session was begun, to begin it again in the same words. */
  let beginning: string | null = null
  let renewing: Promise<void> | null = null
  let renewals = 0
  let isClosed = false
  let heardNew: ((text: string) => void) | null = null

  function closed(reason: string): void {
    if (isClosed) return
    isClosed = true
    events.closed(sentence(reason))
  }

  async function openWay(): Promise<Transport> {
    let own: Transport | null = null
    own = await open(
      {
        message: heard,
        tooLong: events.tooLong,
        closed: (reason) => {
          // The end of a way that is past, or that never became one, is no news.
          if (own !== null && own === way) closed(reason)
        },
      },
      state,
    )
    return own
  }

  function heard(spread: string) {
    if (isClosed) return
    // Over HTTP a message may stand in several lines; in JSON their ends are blanks.
    const text = spread.includes('\n') ? spread.replaceAll('\n', ' ') : spread
    const message = text.includes(String(BROKEN_OFF)) || text.includes(RENEWAL) ? readMessage(text) : null
    if (message !== null && (message.kind === 'failure' || message.kind === 'result')) {
      if (typeof message.id === 'string' && message.id.startsWith(RENEWAL)) return heardNew?.(text)
      if (message.kind === 'failure' && message.error.code === BROKEN_OFF) {
        // What was no request has no answer that could break off.
        if (typeof message.id === 'number') events.lost(message.id, sentence(message.error.message))
        return
      }
    }
    if (state.protocolVersion === null) agreed(text)
    events.message(text)
  }

  /** The first answer is the one to `initialize`. */
  function agreed(text: string): void {
    const message = readMessage(text)
    if (message?.kind !== 'result') return
    const { protocolVersion } = message.result as { protocolVersion?: unknown }
    if (typeof protocolVersion === 'string') state.protocolVersion = protocolVersion
  }

  async function renew(): Promise<void> {
    if (beginning === null) throw new McpDisconnected('The session ended before it began.')
    past.push(way)
    state.protocolVersion = null
    way = await openWay()
    const id = `${RENEWAL}${++renewals}`
    const begun = JSON.parse(beginning) as object
    const answered = Promise.withResolvers<string>()
    heardNew = answered.resolve
    const cancel = clock.after(RENEWAL_MS, () =>
      answered.reject(new McpDisconnected(`No new session began within ${RENEWAL_MS / 1000} seconds.`)),
    )
    try {
      const sent = way.send(JSON.stringify({ ...begun, id }), { method: 'initialize' })
      sent.catch(answered.reject)
      const answer = readMessage(await answered.promise)
      if (answer?.kind !== 'result') throw new McpDisconnected('The upstream refused to begin a new session.')
      state.protocolVersion = String((answer.result as { protocolVersion?: unknown }).protocolVersion)
      const method = 'notifications/initialized'
      await way.send(JSON.stringify({ jsonrpc: '2.0', method }), { method })
    } finally {
      cancel()
      heardNew = null
    }
    events.renewed()
  }

  async function send(text: string, isAgain: boolean): Promise<void> {
    const message = readMessage(text)
    const method = message !== null && 'method' in message ? message.method : ''
    if (method === 'initialize') beginning = text
    // Nothing goes by a new session before it has begun.
    await renewing?.catch(() => {})
    const by = way
    try {
      await by.send(text, { method })
    } catch (error) {
      if (isClosed) return
      let { message: reason } = error as Error
      // What met a session that is over was not taken: it may be sent again, once.
      if (error instanceof McpSessionLost && !isAgain) {
        try {
          if (by === way) {
            renewing ??= renew().finally(() => {
              renewing = null
            })
            await renewing
          }
          return await send(text, true)
        } catch (cause) {
          reason = `The upstream has forgotten its session, and a new one could not be begun: ${(cause as Error).message}`
          closed(reason)
        }
      }
      if (message?.kind === 'request') events.lost(Number(message.id), sentence(reason))
    }
  }

  let way: Transport
  way = await openWay()
  return {
    send: (text) => send(text, false),
    async close() {
      isClosed = true
      await Promise.all([way, ...past].map((one) => one.close()))
    },
  }
}

/** Begins the ids of requests that begin a session anew; a gateway's own are numbers. */
const RENEWAL = 'lictor-renewal-'

/** A reason as part of a text for people and models. */
export const sentence = (reason: string): string => (/[.!?]$/.test(reason) ? reason : `${reason}.`)
