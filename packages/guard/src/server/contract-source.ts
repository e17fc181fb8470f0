import { type Clock, sleep, systemClock } from '../clock.ts'
import { checkDuration } from '../durations.ts'
import { consoleLogger, errorText, type Logger } from '../logger.ts'
import type { EdictumServerClient } from './client.ts'
import { EdictumServerError } from './errors.ts'
import { SAFE_IDENTIFIER_RE } from './identifiers.ts'
import { type ServerSentEvent, SseParser } from './sse.ts'

/** What the stream says that concerns an agent's contracts. */
export type ContractSourceItem =
  | { readonly type: 'contract_update'; readonly update: Readonly<Record<string, unknown>> }
  | { readonly type: 'assignment_changed'; readonly bundleName: string }
  /** Other gates stand before the agents of a bundle, or none. */
  | { readonly type: 'gates_update'; readonly bundleName: string }
  /** The stream was opened again after an interruption, and the server keeps no log of what was missed. */
  | { readonly type: 'reconnected' }

export interface ServerContractSourceOptions {
  /** Milliseconds before the first reconnect, default 1,000; doubles with each failure. */
  readonly reconnectDelay?: number
  /** Milliseconds between reconnects at most, default 60,000. */
  readonly maxReconnectDelay?: number
  /** Milliseconds until the server must have answered, default 30,000. */
  readonly connectTimeout?: number
  /** Milliseconds without a single byte, keepalives included, default 300,000. */
  readonly idleTimeout?: number
  readonly clock?: Clock
  readonly logger?: Logger
}

/** A connection that lived this long was a good one: the back-off starts anew. */
const STABLE_CONNECTION_MS = 30_000

/**
 * The agent's stream of contract updates. `watch` yields what the stream says and reconnects until
 * `close`; what was missed meanwhile is asked for by `Last-Event-ID` and `policy_version`.
 */
export class ServerContractSource {
  /** The revision in force, told to the server at each connect. Set it after a reload succeeded, never before. */
  currentRevision: string | null = null
  /** The revision of the gates in force, `none` without any, told as `currentRevision` is; null while it is not known. */
  currentGates: string | null = null
  /** Told of each approval the server says was decided; the stream does not carry the decision's reason. */
  onApprovalDecided: ((approvalId: string) => void) | null = null
  /** Told once when the server refuses this agent's key (401 or 403). The source keeps trying. */
  onRefused: ((error: EdictumServerError) => void) | null = null
  readonly #client: EdictumServerClient
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #reconnectDelay: number
  readonly #maxReconnectDelay: number
  readonly #connectTimeout: number
  readonly #idleTimeout: number
  readonly #closing = new AbortController()
  #connection: AbortController | null = null
  #connected = false
  #reopening = false
  #refused = false
  #lastEventId = ''

  constructor(client: EdictumServerClient, options: ServerContractSourceOptions = {}) {
    this.#client = client
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? consoleLogger
    this.#reconnectDelay = options.reconnectDelay ?? 1_000
    this.#maxReconnectDelay = options.maxReconnectDelay ?? 60_000
    this.#connectTimeout = options.connectTimeout ?? 30_000
    this.#idleTimeout = options.idleTimeout ?? 300_000
    checkDuration('reconnectDelay', this.#reconnectDelay)
    checkDuration('maxReconnectDelay', this.#maxReconnectDelay)
    checkDuration('connectTimeout', this.#connectTimeout, 1)
    checkDuration('idleTimeout', this.#idleTimeout, 1)
  }

  get connected(): boolean {
    return this.#connected
  }

  get closed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Ends `watch`, also while it waits to reconnect. */
  close(): void {
    this.#closing.abort(new Error('The contract source was closed.'))
  }

  /** Opens the stream anew at once, with the client's present bundle name. */
  reopen(): void {
    this.#reopening = true
    this.#connection?.abort(new Error('The stream is being reopened.'))
  }

  async *watch(): AsyncGenerator<ContractSourceItem, void, undefined> {
    let delay = this.#reconnectDelay
    let failures = 0
    let connections = 0
    while (!this.closed) {
      this.#reopening = false
      const connection = new AbortController()
      this.#connection = connection
      const signal = AbortSignal.any([this.#closing.signal, connection.signal])
      let connectedAt: number | null = null
      let failure: unknown = null
      try {
        const reader = await this.#open(connection, signal)
        connectedAt = this.#clock.now()
        this.#connected = true
        connections++
        if (connections > 1 && this.#lastEventId === '') yield { type: 'reconnected' }
        const events = this.#read(reader, connection, signal)
        for (let next = await events.next(); !next.done; next = await events.next()) {
          const item = this.#interpret(next.value)
          if (item) yield item
          // Only now is it dealt with: a reconnect asks for everything after it.
          if (next.value.id !== '') this.#lastEventId = next.value.id
        }
      } catch (error) {
        failure = error
      } finally {
        this.#connected = false
        connection.abort(new Error('The stream ended.'))
      }
      if (this.closed) return
      if (this.#reopening) continue
      if (failure === null) {
        delay = this.#reconnectDelay
        failures = 0
        this.#logger.debug('the contract stream ended; reconnecting')
      } else {
        if (connectedAt !== null && this.#clock.now() - connectedAt >= STABLE_CONNECTION_MS) {
          delay = this.#reconnectDelay
          failures = 0
        }
        failures++
        this.#report(failure, failures, delay)
      }
      try {
        await sleep(this.#clock, delay, { signal: this.#closing.signal, background: true })
      } catch {
        return
      }
      if (failure !== null) delay = Math.min(delay * 2, this.#maxReconnectDelay)
    }
  }

  async #open(connection: AbortController, signal: AbortSignal): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const { env, bundleName, tags } = this.#client
    const query: Record<string, string> = { env }
    if (bundleName !== null) query.bundle_name = bundleName
    if (this.currentRevision !== null) query.policy_version = this.currentRevision
    if (this.currentGates !== null) query.gates = this.currentGates
    if (tags !== null && Object.keys(tags).length > 0) query.tags = JSON.stringify(tags)
    const timer = this.#clock.setTimer(
      () => connection.abort(new Error(`no answer within ${this.#connectTimeout} ms`)),
      this.#connectTimeout,
      { background: true },
    )
    let response: Response
    try {
      response = await this.#client.openStream('/api/v1/stream', query, signal, this.#lastEventId)
    } finally {
      timer.cancel()
    }
    const contentType = response.headers.get('content-type') ?? ''
    if (response.status !== 200) {
      throw new EdictumServerError(response.status, (await response.text()).slice(0, 2_000))
    }
    if (!/^text\/event-stream\b/i.test(contentType) || response.body === null) {
      await response.body?.cancel()
      throw new Error(`the server answered the stream with content type ${JSON.stringify(contentType)}`)
    }
    this.#refused = false
    return response.body.getReader()
  }

  async *#read(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    connection: AbortController,
    signal: AbortSignal,
  ): AsyncGenerator<ServerSentEvent, void, undefined> {
    const parser = new SseParser()
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    for (;;) {
      const timer = this.#clock.setTimer(
        () => connection.abort(new Error(`nothing heard for ${this.#idleTimeout} ms`)),
        this.#idleTimeout,
        { background: true },
      )
      let chunk: Awaited<ReturnType<typeof reader.read>>
      try {
        chunk = await reader.read()
      } finally {
        timer.cancel()
      }
      signal.throwIfAborted()
      if (chunk.done) return
      for (const event of parser.push(decoder.decode(chunk.value, { stream: true }))) {
        yield event
        // The reader of this event may have asked for another stream; the rest of this one is not for it.
        signal.throwIfAborted()
      }
    }
  }

  #interpret(event: ServerSentEvent): ContractSourceItem | null {
    if (
      event.event !== 'contract_update' &&
      event.event !== 'assignment_changed' &&
      event.event !== 'gates_update' &&
      event.event !== 'approval_decided'
    ) {
      return null
    }
    const data = parseObject(event.data)
    if (data === null) {
      this.#logger.warn(`the stream sent a ${event.event} that is no JSON object; ignored.`)
      return null
    }
    if (event.event === 'contract_update') return { type: 'contract_update', update: data }
    if (event.event === 'approval_decided') {
      if (typeof data.approval_id === 'string') this.onApprovalDecided?.(data.approval_id)
      return null
    }
    const name = data.bundle_name
    if (typeof name !== 'string' || !SAFE_IDENTIFIER_RE.test(name)) {
      this.#logger.warn(`the stream sent a ${event.event} without a usable bundle_name; ignored.`)
      return null
    }
    if (event.event === 'gates_update') return { type: 'gates_update', bundleName: name }
    return name === this.#client.bundleName ? null : { type: 'assignment_changed', bundleName: name }
  }

  #report(failure: unknown, failures: number, delay: number): void {
    if (failure instanceof EdictumServerError && (failure.statusCode === 401 || failure.statusCode === 403)) {
      if (!this.#refused) {
        this.#refused = true
        this.#logger.error(`the server refuses the contract stream: ${failure.message}`)
        this.onRefused?.(failure)
      }
      return
    }
    const message = `the contract stream failed (${causeText(failure)}); next attempt in ${delay} ms`
    if (failures === 1) this.#logger.warn(message)
    else if (failures <= 3) this.#logger.info(message)
    else this.#logger.debug(message)
  }
}

function causeText(error: unknown): string {
  return errorText(error instanceof Error && error.cause instanceof Error ? error.cause : error)
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}
