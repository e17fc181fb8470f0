import { LEGACY_VERSION, MODERN_VERSION } from '../client.ts'
import type { McpClock } from '../clock.ts'
import { McpDisconnected, McpSessionLost } from '../errors.ts'
import { paramsOf, readLine } from '../gateway/message.ts'
import { BROKEN_OFF, type HttpState } from '../http.ts'
import { type RequestId, type RpcMessage, readMessage } from '../messages.ts'
import type { Transport, TransportEvents } from '../transport.ts'
import { withMeta } from './rename.ts'

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

/** How long a server may take to answer what this side asks of its own. */
const OWN_MS = 30_000

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
  let asked = 0
  /** Requests that are out to a server without sessions, which are taken back by ending them. */
  const out = new Map<number, AbortController>()
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
    const message = text.includes(String(BROKEN_OFF)) || text.includes(OWN_ID) ? readMessage(text) : null
    if (message !== null && (message.kind === 'failure' || message.kind === 'result')) {
      if (typeof message.id === 'string' && message.id.startsWith(OWN_ID)) return heardNew?.(text)
      if (message.kind === 'failure' && message.error.code === BROKEN_OFF) {
        // What was no request has no answer that could break off.
        if (typeof message.id !== 'number') return
        out.delete(message.id)
        events.lost(message.id, sentence(message.error.message))
        return
      }
    }
    if (state.isModern) answered(text)
    else if (state.protocolVersion === null) {
      const refused = agreed(text)
      if (refused !== null) return void discover(refused, () => events.message(text))
    }
    events.message(text)
  }

  function answered(text: string): void {
    const message = readMessage(text)
    if (message !== null && 'id' in message && typeof message.id === 'number') out.delete(message.id)
  }

  /** The first answer is the one to `initialize`. @returns its id where it is a refusal */
  function agreed(text: string): RequestId | null {
    const message = readMessage(text)
    if (message?.kind === 'failure') return message.id
    if (message?.kind !== 'result') return null
    const { protocolVersion } = message.result as { protocolVersion?: unknown }
    if (typeof protocolVersion === 'string') state.protocolVersion = protocolVersion
    return null
  }

  /** A request of this side's own. @throws what kept it from being answered */
  async function ask(message: object, method: string): Promise<RpcMessage | null> {
    const id = `${OWN_ID}${++asked}`
    const answer = Promise.withResolvers<string>()
    heardNew = answer.resolve
    const cancel = clock.after(OWN_MS, () =>
      answer.reject(new McpDisconnected(`'${method}' was not answered within ${OWN_MS / 1000} seconds.`)),
    )
    try {
      way.send(JSON.stringify({ ...message, id }), { method }).catch(answer.reject)
      return readMessage(await answer.promise)
    } finally {
      cancel()
      heardNew = null
    }
  }

  /**
   * A server that refuses to begin a session may be one of the era without: to whoever uses this link it is as if it had begun one.
   * @param refuse what to do where it is none
   */
  async function discover(id: RequestId, refuse: () => void): Promise<void> {
    Object.assign(state, { protocolVersion: MODERN_VERSION, isModern: true })
    const method = 'server/discover'
    const answer = await ask({ jsonrpc: '2.0', method, params: { _meta: modernMeta() } }, method).catch(() => null)
    if (answer?.kind !== 'result') {
      Object.assign(state, { protocolVersion: null, isModern: false })
      return refuse()
    }
    const { capabilities, instructions, _meta } = answer.result as Readonly<Record<string, unknown>>
    const result = {
      protocolVersion: LEGACY_VERSION,
      capabilities: capabilities ?? {},
      serverInfo: {},
      instructions,
      _meta,
    }
    events.message(JSON.stringify({ jsonrpc: '2.0', id, result }))
  }

  /** Nobody is there to answer what a server of this era asks: nothing is declared that would let it. */
  function modernMeta(): object {
    const begun = beginning === null ? {} : (JSON.parse(beginning) as { params?: { clientInfo?: unknown } })
    return {
      'io.modelcontextprotocol/protocolVersion': MODERN_VERSION,
      'io.modelcontextprotocol/clientInfo': begun.params?.clientInfo ?? { name: 'lictor', version: '0' },
      'io.modelcontextprotocol/clientCapabilities': {},
    }
  }

  /** What this era has: requests, with what it wants beside each. */
  async function sendModern(text: string): Promise<void> {
    const message = readLine(text)
    const params = paramsOf(message)
    if (message.kind !== 'request') {
      if (message.method === 'notifications/cancelled') out.get(Number(params.requestId))?.abort()
      return
    }
    const abort = new AbortController()
    out.set(Number(message.id), abort)
    const name = [params.name, params.uri].find((one) => typeof one === 'string')
    const about = { method: message.method, signal: abort.signal, ...(typeof name === 'string' ? { name } : {}) }
    await way.send(withMeta(message, modernMeta()), about)
  }

  async function renew(): Promise<void> {
    if (beginning === null) throw new McpDisconnected('The session ended before it began.')
    past.push(way)
    state.protocolVersion = null
    way = await openWay()
    const begun = JSON.parse(beginning) as object
    const answer = await ask(begun, 'initialize')
    if (answer?.kind !== 'result') throw new McpDisconnected('The upstream refused to begin a new session.')
    state.protocolVersion = String((answer.result as { protocolVersion?: unknown }).protocolVersion)
    const method = 'notifications/initialized'
    await way.send(JSON.stringify({ jsonrpc: '2.0', method }), { method })
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
      await (state.isModern ? sendModern(text) : by.send(text, { method }))
    } catch (error) {
      if (isClosed) return
      let { message: reason } = error as Error
      const lose = () => {
        if (message?.kind === 'request') events.lost(Number(message.id), sentence(reason))
      }
      if (method === 'initialize' && message?.kind === 'request') return discover(message.id, lose)
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
      lose()
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

/** Begins the ids of this side's own requests; a gateway's are numbers. */
const OWN_ID = 'lictor-link-'

/** A reason as part of a text for people and models. */
export const sentence = (reason: string): string => (/[.!?]$/.test(reason) ? reason : `${reason}.`)
