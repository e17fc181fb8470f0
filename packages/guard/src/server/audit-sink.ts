import { principalToWire, RedactionPolicy, recordToWire, responseText } from '@lictor/contracts'
import type { AuditEvent } from '../audit/event.ts'
import type { AuditSink } from '../audit/sinks.ts'
import { type Clock, type NewId, randomId, systemClock, type TimerHandle } from '../clock.ts'
import { configError } from '../errors.ts'
import { consoleLogger, errorText, type Logger } from '../logger.ts'
import type { EdictumServerClient } from './client.ts'
import { EdictumServerError } from './errors.ts'

export interface ServerAuditSinkOptions {
  /** Events that make a batch, default 50. */
  readonly batchSize?: number
  /** Milliseconds an event waits for its batch to fill, default 5,000. */
  readonly flushInterval?: number
  /** Events kept while the server is away, default 10,000; beyond, the oldest go. */
  readonly maxBufferSize?: number
  /**
   * Hold the call whose event fills a batch until the batch is delivered. Off by default: the call goes on, and a batch
   * the server refuses for good makes the next `emit` throw instead.
   */
  readonly awaitBatches?: boolean
  readonly redaction?: RedactionPolicy
  readonly clock?: Clock
  readonly newId?: NewId
  readonly logger?: Logger
}

interface Entry {
  readonly event: AuditEvent
  /** The bundle in force when the event was emitted. */
  readonly bundleName: string | null
  /** Made once, so that a second delivery is recognisably the same event. */
  json: string | null
}

/** What any console takes in one request: at most 1,000 events and 1 MB. */
const MAX_CHUNK_EVENTS = 1_000
const MAX_CHUNK_LENGTH = 900_000
/** Characters of a payload's JSON beyond which it is capped (edictum-sdk §11.5). */
const MAX_PAYLOAD_LENGTH = 32_768

/**
 * Delivers audit events to the console in batches (edictum-sdk §14.3). While the server is away events wait in order;
 * what it refuses for good is dropped, logged and thrown. One delivery is under way at a time.
 */
export class ServerAuditSink implements AuditSink {
  readonly #client: EdictumServerClient
  readonly #batchSize: number
  readonly #flushInterval: number
  readonly #maxBufferSize: number
  readonly #awaitBatches: boolean
  readonly #redaction: RedactionPolicy
  readonly #clock: Clock
  readonly #newId: NewId
  readonly #logger: Logger
  #buffer: Entry[] = []
  #timer: TimerHandle | null = null
  #delivery: Promise<void> | null = null
  #delivering = 0
  #serverAway = false
  #refusal: unknown = null
  #dropped = 0
  #closed = false

  constructor(client: EdictumServerClient, options: ServerAuditSinkOptions = {}) {
    const { batchSize = 50, flushInterval = 5_000, maxBufferSize = 10_000 } = options
    for (const [name, value] of Object.entries({ batchSize, flushInterval, maxBufferSize })) {
      if (!Number.isInteger(value) || value < 1) {
        throw configError(`ServerAuditSink: ${name} must be an integer of at least 1, not ${value}.`)
      }
    }
    this.#client = client
    this.#batchSize = batchSize
    this.#flushInterval = flushInterval
    this.#maxBufferSize = maxBufferSize
    this.#awaitBatches = options.awaitBatches ?? false
    this.#redaction = options.redaction ?? new RedactionPolicy()
    this.#clock = options.clock ?? systemClock
    this.#newId = options.newId ?? randomId
    this.#logger = options.logger ?? consoleLogger
  }

  /** Events not yet delivered, those under way included. */
  get pending(): number {
    return this.#buffer.length + this.#delivering
  }

  /** Events lost to a full buffer or to a refusal since the sink was made. */
  get dropped(): number {
    return this.#dropped
  }

  emit(event: AuditEvent): void | Promise<void> {
    if (this.#closed) throw new Error('The audit sink is closed; the event cannot be delivered.')
    this.#buffer.push({ event, bundleName: this.#client.bundleName, json: null })
    if (this.#refusal !== null) {
      const refusal = this.#refusal
      this.#refusal = null
      this.#armTimer()
      throw refusal
    }
    if (this.#buffer.length >= this.#batchSize && !this.#serverAway) {
      if (this.#awaitBatches) return this.flush()
      if (this.#delivery === null) this.#deliver()
    }
    if (this.pending >= this.#maxBufferSize) {
      // A delivery that is under way gets its chance before anything is dropped.
      if (this.#delivery !== null) return this.#delivery
      this.#dropOldest()
    }
    this.#armTimer()
  }

  /** Delivers everything buffered. Rejects when the server refused events for good; a server that is away is no error. */
  async flush(): Promise<void> {
    if (this.#delivery !== null) await this.#delivery
    if (this.#buffer.length > 0) await this.#deliver()
    if (this.#refusal !== null) {
      const refusal = this.#refusal
      this.#refusal = null
      throw refusal
    }
  }

  /** Delivers what is buffered, once, and lets go of the timer. What could not be delivered is counted and logged. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      await this.flush()
    } finally {
      this.#timer?.cancel()
      this.#timer = null
      if (this.#buffer.length > 0) {
        this.#dropped += this.#buffer.length
        this.#logger.error(
          `closing with ${this.#buffer.length} audit events undelivered: the server cannot be reached.`,
        )
        this.#buffer = []
      }
    }
  }

  /** Never rejects: what went wrong is kept for `emit` and `flush`. */
  #deliver(): Promise<void> {
    const entries = this.#buffer
    this.#buffer = []
    this.#timer?.cancel()
    this.#timer = null
    this.#delivering = entries.length
    const delivery = this.#deliverAll(entries).then((undelivered) => {
      this.#delivery = null
      this.#delivering = 0
      this.#serverAway = undelivered.length > 0
      if (undelivered.length > 0) {
        this.#buffer = undelivered.concat(this.#buffer)
        this.#dropOldest()
      }
      if (this.#closed) return
      if (this.#buffer.length >= this.#batchSize && !this.#serverAway) void this.#deliver()
      else this.#armTimer()
    })
    this.#delivery = delivery
    return delivery
  }

  async #deliverAll(entries: readonly Entry[]): Promise<Entry[]> {
    // Writing a batch down takes longer than deciding a call: not on the time of the call that filled it.
    await nextTurn()
    const chunks = this.#chunks(entries)
    for (const [index, chunk] of chunks.entries()) {
      if ((await this.#deliverChunk(chunk)) === 'away') return chunks.slice(index).flat()
    }
    return []
  }

  /** `done` when the chunk is settled, delivered or dropped; `away` when it should be tried again later. */
  async #deliverChunk(chunk: Entry[]): Promise<'done' | 'away'> {
    const jsonText = `{"events":[${chunk.map((entry) => this.#json(entry)).join(',')}]}`
    try {
      this.#reportRejected(await this.#client.post('/api/v1/events', { jsonText }))
      return 'done'
    } catch (error) {
      const status = error instanceof EdictumServerError ? error.statusCode : 500
      if (status >= 500 || status === 429) {
        this.#logger.warn(`${chunk.length} audit events wait for the server: ${errorText(error)}`)
        return 'away'
      }
      if (chunk.length > 1 && (status === 400 || status === 413 || status === 422)) {
        // One malformed event must not take its neighbours along: halve until it stands alone.
        const middle = chunk.length >> 1
        const first = await this.#deliverChunk(chunk.slice(0, middle))
        const second = await this.#deliverChunk(chunk.slice(middle))
        // Events of a half that got through are sent again; the server knows them by their ids.
        return first === 'away' || second === 'away' ? 'away' : 'done'
      }
      this.#dropped += chunk.length
      this.#refusal = error
      this.#logger.error(`${chunk.length} audit events dropped, the server refuses them: ${errorText(error)}`)
      return 'done'
    }
  }

  #reportRejected(answer: Record<string, unknown>): void {
    if (!Array.isArray(answer.rejected) || answer.rejected.length === 0) return
    this.#dropped += answer.rejected.length
    this.#logger.error(
      `the server rejected ${answer.rejected.length} audit events: ${JSON.stringify(answer.rejected[0])}`,
    )
  }

  #chunks(entries: readonly Entry[]): Entry[][] {
    const chunks: Entry[][] = []
    let chunk: Entry[] = []
    let length = 0
    for (const entry of entries) {
      const size = this.#json(entry).length
      if (chunk.length > 0 && (chunk.length >= MAX_CHUNK_EVENTS || length + size > MAX_CHUNK_LENGTH)) {
        chunks.push(chunk)
        chunk = []
        length = 0
      }
      chunk.push(entry)
      length += size
    }
    if (chunk.length > 0) chunks.push(chunk)
    return chunks
  }

  #json(entry: Entry): string {
    if (entry.json === null) {
      const { event } = entry
      const payload = this.#payload(event, entry.bundleName)
      // What JSON cannot hold becomes a bracketed word: one odd argument must not cost the batch.
      let payloadText = responseText(payload) as string
      if (payloadText.length > MAX_PAYLOAD_LENGTH)
        payloadText = responseText(this.#redaction.capPayload(payload)) as string
      const head = JSON.stringify({
        call_id: event.callId,
        agent_id: this.#client.agentId,
        tool_name: event.toolName,
        verdict: event.action,
        mode: event.mode,
        timestamp: event.timestamp,
      })
      entry.json = `${head.slice(0, -1)},"payload":${payloadText}}`
    }
    return entry.json
  }

  #payload(event: AuditEvent, bundleName: string | null): Record<string, unknown> {
    const payload: Record<string, unknown> = {
      tool_args: event.toolArgs,
      side_effect: event.sideEffect,
      environment: event.environment || this.#client.env,
      principal: principalToWire(event.principal),
      decision_source: event.decisionSource,
      decision_name: event.decisionName,
      reason: event.reason,
      policy_version: event.policyVersion,
      bundle_name: bundleName,
      event_id: this.#newId(),
    }
    if (event.runId !== '') payload.run_id = event.runId
    if (event.contractsEvaluated.length > 0) payload.contracts_evaluated = event.contractsEvaluated.map(recordToWire)
    if (event.hooksEvaluated.length > 0) payload.hooks_evaluated = event.hooksEvaluated
    if (event.toolSuccess !== null) payload.tool_success = event.toolSuccess
    if (event.postconditionsPassed !== null) payload.postconditions_passed = event.postconditionsPassed
    if (event.policyError) payload.policy_error = true
    if (event.durationMs > 0) payload.duration_ms = event.durationMs
    if (event.error !== null) payload.error = event.error
    return payload
  }

  #dropOldest(): void {
    const excess = this.#buffer.length - this.#maxBufferSize
    if (excess <= 0) return
    this.#buffer.splice(0, excess)
    this.#dropped += excess
    this.#logger.error(`the audit buffer is full: ${excess} oldest events dropped (${this.#dropped} so far).`)
  }

  #armTimer(): void {
    if (this.#timer !== null || this.#delivery !== null || this.#buffer.length === 0) return
    this.#timer = this.#clock.setTimer(
      () => {
        this.#timer = null
        if (this.#delivery === null && this.#buffer.length > 0) void this.#deliver()
      },
      this.#flushInterval,
      { background: true },
    )
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
