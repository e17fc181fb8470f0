import { RedactionPolicy } from '@lictor/contracts'
import type { AuditEvent } from '../audit/event.ts'
import { AuditRecord } from '../audit/record.ts'
import type { AuditSink, Emitted } from '../audit/sinks.ts'
import { auditToWire, auditWireText } from '../audit/wire.ts'
import { type Clock, createSerialId, type NewId, randomId, systemClock, type TimerHandle } from '../clock.ts'
import { checkDuration } from '../durations.ts'
import { configError } from '../errors.ts'
import { consoleLogger, type Logger } from '../logger.ts'
import type { EdictumServerClient } from './client.ts'
import { createEventDelivery, type DeliverEvents, type Delivered } from './event-delivery.ts'
import { deliverAbandoned, openSpool, type Spool, type SpoolMode } from './spool.ts'

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
  /** What becomes of events that wait when the process ends, default `false`: they are lost. A connected guard says `true`. */
  readonly spool?: SpoolMode
  /** Where spool files lie; default `LICTOR_SPOOL_DIR`, else the user's cache folder. */
  readonly spoolFolder?: string
}

interface Entry {
  /** Null for one that is kept as JSON only. */
  readonly emitted: Emitted | null
  /** The bundle in force when the event was emitted. */
  readonly bundleName: string | null
  /** Made once, so that a second delivery is recognisably the same event. */
  json: string | null
}

/** Milliseconds that closing waits for a last delivery. */
const CLOSE_MS = 5_000

/**
 * Delivers audit events to the console in batches. While the server is away events wait in order;
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
  readonly #deliverEvents: DeliverEvents
  readonly #closing = new AbortController()
  readonly #spool: Spool | null
  /** Sends what ended processes left behind; null when that is done or not asked for. */
  #earlier: (() => Promise<boolean>) | null = null
  #buffer: Entry[] = []
  #inDelivery: readonly Entry[] = []
  #timer: TimerHandle | null = null
  #delivery: Promise<void> | null = null
  #serverAway = false
  #refusal: unknown = null
  #dropped = 0
  #closed = false

  constructor(client: EdictumServerClient, options: ServerAuditSinkOptions = {}) {
    const { batchSize = 50, flushInterval = 5_000, maxBufferSize = 10_000 } = options
    checkDuration('flushInterval', flushInterval, 1)
    for (const [name, value] of Object.entries({ batchSize, maxBufferSize })) {
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
    this.#newId = options.newId ?? createSerialId(randomId)
    this.#logger = options.logger ?? consoleLogger
    this.#deliverEvents = createEventDelivery({ client, logger: this.#logger })
    this.#spool = this.#openSpool(options)
  }

  #openSpool({ spool: mode = false, spoolFolder }: ServerAuditSinkOptions): Spool | null {
    if (mode === false) return null
    const { keyPrefix, agentId } = this.#client
    const shared = {
      owner: { keyPrefix, agentId },
      logger: this.#logger,
      ...(spoolFolder === undefined ? {} : { folder: spoolFolder }),
    }
    const pending = () => [...this.#inDelivery, ...this.#buffer].map((entry) => this.#json(entry))
    const spool = openSpool({ ...shared, mode, pending })
    for (const json of spool.adopted) this.#buffer.push({ emitted: null, bundleName: null, json })
    this.#earlier = () => deliverAbandoned({ ...shared, deliver: this.#deliverEvents })
    this.#sendEarlier()
    this.#armTimer()
    return spool
  }

  /** Tried at the start, and again after the next delivery when the server was away. */
  #sendEarlier(): void {
    const send = this.#earlier
    if (send === null) return
    this.#earlier = null
    void send().then((done) => {
      if (!done) this.#earlier = send
    })
  }

  /** Events not yet delivered, those under way included. */
  get pending(): number {
    return this.#buffer.length + this.#inDelivery.length
  }

  /** Events lost to a full buffer or to a refusal since the sink was made. */
  get dropped(): number {
    return this.#dropped
  }

  emit(event: AuditEvent): void | Promise<void> {
    return this.#take(event)
  }

  emitRecord(record: AuditRecord): void | Promise<void> {
    return this.#take(record)
  }

  #take(emitted: Emitted): void | Promise<void> {
    if (this.#closed) throw new Error('The audit sink is closed; the event cannot be delivered.')
    const entry: Entry = { emitted, bundleName: this.#client.bundleName, json: null }
    this.#buffer.push(entry)
    if (this.#spool?.each) this.#spool.append(this.#json(entry))
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

  /**
   * Delivers what is buffered, once and for five seconds at most, and lets go of the timer. What could not be delivered is
   * left to the next guard, or, without a spool, counted and logged.
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const late = this.#clock.setTimer(() => this.#closing.abort(new Error('the guard was closed')), CLOSE_MS, {
      background: true,
    })
    try {
      await this.flush()
    } finally {
      late.cancel()
      this.#timer?.cancel()
      this.#timer = null
      this.#leave()
    }
  }

  #leave(): void {
    const undelivered = this.#buffer
    this.#buffer = []
    this.#spool?.close(undelivered.map((entry) => this.#json(entry)))
    if (undelivered.length === 0) return
    if (this.#spool !== null) {
      this.#logger.warn(`closing with ${undelivered.length} audit events undelivered; the next guard sends them.`)
      return
    }
    this.#dropped += undelivered.length
    this.#logger.error(`closing with ${undelivered.length} audit events undelivered: the server cannot be reached.`)
  }

  /** Never rejects: what went wrong is kept for `emit` and `flush`. */
  #deliver(): Promise<void> {
    const entries = this.#buffer
    this.#buffer = []
    this.#timer?.cancel()
    this.#timer = null
    this.#inDelivery = entries
    const delivery = this.#deliverAll(entries).then(({ settled, dropped, refusal }) => {
      this.#delivery = null
      this.#inDelivery = []
      this.#dropped += dropped
      if (refusal !== null) this.#refusal = refusal
      this.#serverAway = settled < entries.length
      if (this.#serverAway) {
        this.#buffer = entries.slice(settled).concat(this.#buffer)
        this.#dropOldest()
      }
      this.#spool?.settled()
      if (this.#closed) return
      if (!this.#serverAway) this.#sendEarlier()
      if (this.#buffer.length >= this.#batchSize && !this.#serverAway) void this.#deliver()
      else this.#armTimer()
    })
    this.#delivery = delivery
    return delivery
  }

  async #deliverAll(entries: readonly Entry[]): Promise<Delivered> {
    // Writing a batch down takes longer than deciding a call: not on the time of the call that filled it.
    await nextTurn()
    const lines = entries.map((entry) => this.#json(entry))
    return this.#deliverEvents(lines, this.#closing.signal)
  }

  #json(entry: Entry): string {
    if (entry.json !== null) return entry.json
    const { emitted } = entry
    if (emitted === null) throw new Error('An audit event without its text.')
    entry.json = auditWireText(
      auditToWire(emitted instanceof AuditRecord ? emitted.eventOnce : emitted, {
        agentId: this.#client.agentId,
        eventId: this.#newId(),
        bundleName: entry.bundleName,
        environment: this.#client.env,
      }),
      this.#redaction,
    )
    return entry.json
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
