import { configError, MarkEvictedError } from '../errors.ts'
import { isPromise, type MaybePromise } from '../maybe-promise.ts'
import type { AuditAction, AuditEvent } from './event.ts'
import { AuditRecord } from './record.ts'

/** An event, or what it is made of. */
export type Emitted = AuditEvent | AuditRecord

export function eventOf(emitted: Emitted): AuditEvent {
  return emitted instanceof AuditRecord ? emitted.event : emitted
}

/**
 * Where audit events go. The guard waits for `emit` before it lets a tool run: a sink that throws refuses the call.
 */
export interface AuditSink {
  emit(event: AuditEvent): MaybePromise<void>
  /** For a sink that needs the event only later, or never: it takes what the event is made of, and makes it when it does. */
  emitRecord?(record: AuditRecord): MaybePromise<void>
  /** Deliver what is buffered. */
  flush?(): MaybePromise<void>
  /** Deliver what is buffered and let go of timers and files. */
  close?(): MaybePromise<void>
}

/** Keeps the last `maxEvents` events in memory, in a ring. Every guard has one, as `guard.localSink`. */
export class CollectingAuditSink implements AuditSink {
  readonly maxEvents: number
  #ring: Emitted[] = []
  /** Index in the ring of the oldest event, once the ring is full. */
  #start = 0
  #total = 0

  constructor(maxEvents = 50_000) {
    if (!Number.isInteger(maxEvents) || maxEvents < 1) {
      throw configError(`CollectingAuditSink: maxEvents must be an integer of at least 1, not ${maxEvents}.`)
    }
    this.maxEvents = maxEvents
  }

  emit(event: AuditEvent): void {
    this.#keep(event)
  }

  emitRecord(record: AuditRecord): void {
    this.#keep(record)
  }

  #keep(emitted: Emitted): void {
    if (this.#ring.length < this.maxEvents) {
      this.#ring.push(emitted)
    } else {
      this.#ring[this.#start] = emitted
      this.#start = this.#start + 1 === this.maxEvents ? 0 : this.#start + 1
    }
    this.#total++
  }

  /** The retained events, oldest first; a copy. */
  get events(): AuditEvent[] {
    return this.#inOrder().map(eventOf)
  }

  #inOrder(): Emitted[] {
    return this.#start === 0
      ? this.#ring.slice()
      : [...this.#ring.slice(this.#start), ...this.#ring.slice(0, this.#start)]
  }

  /** How many events were ever emitted; hand it to `sinceMark` later. */
  mark(): number {
    return this.#total
  }

  /** The events after a mark. Throws `MarkEvictedError` when some of them are gone. */
  sinceMark(mark: number): AuditEvent[] {
    if (!Number.isInteger(mark) || mark < 0 || mark > this.#total) {
      throw configError(`Mark ${mark} lies outside 0..${this.#total}; use a value that mark() returned.`)
    }
    const oldest = this.#total - this.#ring.length
    if (mark < oldest) throw new MarkEvictedError(mark, oldest)
    return this.#inOrder()
      .slice(mark - oldest)
      .map(eventOf)
  }

  last(): AuditEvent {
    const index = this.#start === 0 ? this.#ring.length - 1 : this.#start - 1
    const event = this.#ring[index]
    if (event === undefined) throw configError('No audit events were collected.')
    return eventOf(event)
  }

  filter(action: AuditAction): AuditEvent[] {
    return this.#inOrder()
      .filter((emitted) => emitted.action === action)
      .map(eventOf)
  }

  /** Forgets the events, not their number: marks taken earlier are evicted. */
  clear(): void {
    this.#ring = []
    this.#start = 0
  }
}

/** Hands each event to every sink in order, also when some fail; then throws one error for all that did. */
export class CompositeSink implements AuditSink {
  readonly #sinks: readonly AuditSink[]
  readonly #events: readonly Taker<AuditEvent>[]
  readonly #records: readonly Taker<AuditRecord>[]

  constructor(sinks: readonly AuditSink[]) {
    if (sinks.length === 0) throw configError('CompositeSink needs at least one sink.')
    this.#sinks = [...sinks]
    this.#events = sinks.map((sink) => (event: AuditEvent) => sink.emit(event))
    this.#records = sinks.map((sink) =>
      sink.emitRecord ? (record: AuditRecord) => sink.emitRecord?.(record) : (record) => sink.emit(record.event),
    )
  }

  get sinks(): AuditSink[] {
    return [...this.#sinks]
  }

  emit(event: AuditEvent): MaybePromise<void> {
    return emitAll(this.#events, event)
  }

  emitRecord(record: AuditRecord): MaybePromise<void> {
    return emitAll(this.#records, record)
  }

  async flush(): Promise<void> {
    await this.#all((sink) => sink.flush?.())
  }

  async close(): Promise<void> {
    await this.#all(async (sink) => {
      if (sink.close) await sink.close()
      else await sink.flush?.()
    })
  }

  async #all(act: (sink: AuditSink) => MaybePromise<void> | undefined): Promise<void> {
    const failures: unknown[] = []
    for (const sink of this.#sinks) {
      try {
        await act(sink)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw aggregate(failures)
  }
}

type Taker<Item> = (item: Item) => MaybePromise<void> | undefined

function emitAll<Item>(takers: readonly Taker<Item>[], item: Item): MaybePromise<void> {
  let failures: unknown[] | null = null
  for (let index = 0; index < takers.length; index++) {
    try {
      const pending = (takers[index] as Taker<Item>)(item)
      if (pending !== undefined && isPromise(pending)) return emitRest(takers, item, pending, index + 1, failures ?? [])
    } catch (error) {
      failures ??= []
      failures.push(error)
    }
  }
  if (failures !== null) throw aggregate(failures)
}

async function emitRest<Item>(
  takers: readonly Taker<Item>[],
  item: Item,
  pending: Promise<void>,
  next: number,
  failures: unknown[],
): Promise<void> {
  await pending.catch((error: unknown) => failures.push(error))
  for (const take of takers.slice(next)) {
    try {
      await take(item)
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw aggregate(failures)
}

function aggregate(failures: readonly unknown[]): AggregateError {
  return new AggregateError(failures, 'CompositeSink: one or more sinks failed')
}

/** Keeps nothing. A bundle asks for it with `observability: { stdout: false }`. */
export const discardingSink: AuditSink = { emit: () => {}, emitRecord: () => {} }
