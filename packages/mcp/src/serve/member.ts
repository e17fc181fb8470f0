import { pauseAfter } from '@lictor/wire'
import { LEGACY_VERSION } from '../client.ts'
import type { McpClock } from '../clock.ts'
import type { PinStore } from '../gateway/catalogue.ts'
import { createGateway, type Gateway } from '../gateway/gateway.ts'
import { isRecord } from '../gateway/json-text.ts'
import type { Judge } from '../gateway/judge.ts'
import { type Message, readLine } from '../gateway/message.ts'
import type { Patience } from '../gateway/waiting.ts'
import { type Link, type OpenWay, openLink, sentence } from './link.ts'
import { createNameTable, type NameTable, publishedName } from './names.ts'
import { withId } from './rename.ts'

/** A server behind the gateway, as it is configured. */
export interface UpstreamDefinition {
  readonly name: string
  readonly open: OpenWay
  readonly pins: PinStore
  readonly roots: 'forward' | 'hide'
  /** Milliseconds that it may take to be ready. */
  readonly connectMs: number
}

/** A definition, with what all sessions know of it. */
export interface Upstream extends UpstreamDefinition {
  readonly tools: NameTable
  readonly prompts: NameTable
}

export const createUpstream = (definition: UpstreamDefinition): Upstream => ({
  ...definition,
  tools: createNameTable(definition.name),
  prompts: createNameTable(definition.name),
})

/** What an upstream said of itself at the beginning. */
export interface Introduction {
  readonly capabilities: Readonly<Record<string, unknown>>
  readonly instructions: string | null
}

export interface Limits {
  readonly largestToClient: number
  readonly largestToServer: number
}

/** One upstream as one session of a client has it: a connection of its own, judged, and begun anew when it ends. */
export interface Member {
  readonly upstream: Upstream
  /** Resolves when the first attempt to connect has ended, either way. Never rejects. */
  readonly tried: Promise<void>
  /** The attempt to connect that is being made; null where there is none. Never rejects. */
  connecting(): Promise<void> | null
  /** Null while it is not there. */
  introduction(): Introduction | null
  /** Why it is not there, in a sentence; null while it is. */
  absence(): string | null
  /**
   * A request of the client, in the upstream's own names. The answer's id is not the client's.
   * @param settle called once, also when the upstream is not there any more
   * @returns the id it was given, for `cancel`; null where there is nobody to ask, and `settle` is not called
   */
  pass(message: Message, settle: (answer: Message) => void): number | null
  /** A request of this side's own. Null where there is no answer. */
  ask(method: string, params: object): Promise<Message | null>
  /** The client takes a request back: what comes of it is dropped. @param reason JSON text, where the client gave one */
  cancel(id: number, reason?: string): void
  /** An answer or a notification of the client. */
  tell(text: string): void
  /** A person has accepted tools that were held back. */
  toolsAccepted(): void
  /** Resolves when every call is closed, and the connection. */
  end(reason: string): Promise<void>
}

const BACK_OFF = { firstMs: 1000, longestMs: 60_000, jitter: 0.25 }
/** A connection that held for so long was a good one: the pauses begin anew. */
const GOOD_MS = 60_000

export interface MemberDeps {
  readonly upstream: Upstream
  readonly judge: Judge
  readonly clock: McpClock
  /** A number from 0 up to 1. */
  readonly random: () => number
  readonly patience: Patience
  readonly limits: Limits
  /** Parameters of the client's `initialize`. */
  readonly client: Readonly<Record<string, unknown>>
  /** What the upstream says that answers no request: questions and notifications. */
  readonly said: (message: Message) => void
  /** It is there now, or is not any more. */
  readonly changed: (isThere: boolean) => void
  readonly note: (line: string) => void
}

type State =
  | { readonly kind: 'absent'; readonly reason: string }
  | { readonly kind: 'there'; readonly gateway: Gateway; readonly introduction: Introduction }

export function createMember(deps: MemberDeps): Member {
  const { upstream, clock } = deps
  const pending = new Map<string, (answer: Message) => void>()
  let nextId = 1
  let state: State = { kind: 'absent', reason: 'It is being connected to.' }
  let failures = 0
  let cancelRetry = () => {}
  let isEnded = false
  /** Ends the connection there is, or that is being made. */
  let disconnect: (reason: string) => Promise<void> = async () => {}

  function fromGateway(text: string) {
    const message = readLine(text)
    if (message.kind !== 'response') return deps.said(message)
    const id = message.id as string
    const settle = pending.get(id)
    pending.delete(id)
    settle?.(message)
  }

  function request(gateway: Gateway, text: (id: number) => string, settle: (answer: Message) => void): number {
    const id = nextId++
    pending.set(String(id), settle)
    gateway.fromClient(text(id))
    return id
  }

  async function connect(): Promise<void> {
    const broken = Promise.withResolvers<never>()
    broken.promise.catch(() => {})
    let gateway: Gateway | null = null
    let link: Link | null = null
    const began = clock.now()
    let isOver = false

    /** Once, however it ends. */
    async function over(reason: string): Promise<void> {
      if (isOver) return
      isOver = true
      broken.reject(new Error(reason))
      if (gateway !== null && state.kind === 'there' && state.gateway === gateway) {
        state = { kind: 'absent', reason }
        if (!isEnded) retry(reason, clock.now() - began >= GOOD_MS)
        deps.changed(false)
      }
      await gateway?.serverEnded(reason)
      await link?.close()
    }
    disconnect = over

    const cancelTimeout = clock.after(
      upstream.connectMs,
      () => void over(`It was not ready within ${upstream.connectMs / 1000} seconds.`),
    )
    try {
      const opening = openLink({
        open: upstream.open,
        clock,
        events: {
          message: (text) => gateway?.fromServer(text),
          tooLong: (id, bytes) => gateway?.tooLong(id, bytes),
          lost: (id, reason) => gateway?.lost(id, reason),
          renewed() {
            deps.note('The upstream had forgotten its session; a new one was begun.')
            gateway?.fromServer('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}')
          },
          closed: (reason) => void over(reason),
        },
      })
      // One that opens after all is closed again.
      opening.then((opened) => (isOver ? opened.close() : undefined)).catch(() => {})
      const opened = await Promise.race([opening, broken.promise])
      link = opened
      const made = createGateway({
        judge: deps.judge,
        pins: upstream.pins,
        clock,
        patience: deps.patience,
        toClient: fromGateway,
        toServer: (text) => void opened.send(text),
        note: deps.note,
        server: upstream.name,
        roots: upstream.roots,
        toolName: (own) => publishedName(upstream.name, own),
        ...deps.limits,
      })
      gateway = made
      const introduction = await Promise.race([introduce(made), broken.promise])
      made.fromClient('{"jsonrpc":"2.0","method":"notifications/initialized"}')
      cancelTimeout()
      state = { kind: 'there', gateway: made, introduction }
      deps.changed(true)
    } catch (error) {
      cancelTimeout()
      const reason = sentence((error as Error).message)
      state = { kind: 'absent', reason }
      if (!isEnded) retry(reason, false)
      await over(reason)
    }
  }

  async function introduce(gateway: Gateway): Promise<Introduction> {
    const capabilities = isRecord(deps.client.capabilities) ? { ...deps.client.capabilities } : {}
    if (upstream.roots === 'hide') delete capabilities.roots
    const params = { ...deps.client, protocolVersion: LEGACY_VERSION, capabilities }
    const answer = await new Promise<Message>((resolve) =>
      request(gateway, (id) => JSON.stringify({ jsonrpc: '2.0', id, method: 'initialize', params }), resolve),
    )
    const { result, error } = answer.value
    if (!isRecord(result))
      throw new Error(`It refused to begin: ${isRecord(error) ? String(error.message) : answer.text}`)
    return {
      capabilities: isRecord(result.capabilities) ? result.capabilities : {},
      instructions: typeof result.instructions === 'string' ? result.instructions : null,
    }
  }

  function retry(reason: string, wasGood: boolean): void {
    failures = wasGood ? 1 : failures + 1
    const pause = Math.round(pauseAfter(failures, BACK_OFF, deps.random))
    deps.note(`The upstream '${upstream.name}' is not there: ${reason} It is tried again in ${pause} ms.`)
    cancelRetry = clock.after(pause, () => void attempt())
  }

  let connecting: Promise<void> | null = null
  function attempt(): Promise<void> {
    const made = connect().finally(() => {
      if (connecting === made) connecting = null
    })
    connecting = made
    return made
  }

  const tried = attempt()
  return {
    upstream,
    tried,
    connecting: () => connecting,
    introduction: () => (state.kind === 'there' ? state.introduction : null),
    absence: () => (state.kind === 'there' ? null : state.reason),
    pass(message, settle) {
      if (state.kind !== 'there') return null
      return request(state.gateway, (id) => withId(message, String(id)), settle)
    },
    ask(method, params) {
      if (state.kind !== 'there') return Promise.resolve(null)
      const { gateway } = state
      return new Promise((resolve) =>
        request(gateway, (id) => JSON.stringify({ jsonrpc: '2.0', id, method, params }), resolve),
      )
    },
    cancel(id, reason) {
      if (!pending.delete(String(id)) || state.kind !== 'there') return
      const why = reason === undefined ? '' : `,"reason":${reason}`
      state.gateway.fromClient(
        `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}${why}}}`,
      )
    },
    tell(text) {
      if (state.kind === 'there') state.gateway.fromClient(text)
    },
    toolsAccepted() {
      if (state.kind === 'there') state.gateway.toolsAccepted()
    },
    async end(reason) {
      isEnded = true
      cancelRetry()
      state = { kind: 'absent', reason }
      await disconnect(reason)
      await tried
    },
  }
}
