import { configError, MarkEvictedError } from '../errors.ts'
import { isPromise, type MaybePromise } from '../maybe-promise.ts'
import type { AuditAction, AuditEvent } from './event.ts'

/**
 * Where audit events go. The guard waits for `emit` before it lets a tool run: a sink that throws refuses the call.
 */
export interface AuditSink {
  emit(event: AuditEvent): MaybePromise<void>
  /** Deliver what is buffered. */
  flush?(): MaybePromise<void>
  /** Deliver what is buffered and let go of timers and files. */
  close?(): MaybePromise<void>
}

/** Keeps the last `maxEvents` events in memory, in a ring. Every guard has one, as `guard.localSink`. */
export class CollectingAuditSink implements AuditSink {
  readonly maxEvents: number
  #ring: AuditEvent[] = []
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
    if (this.#ring.length < this.maxEvents) {
      this.#ring.push(event)
    } else {
      this.#ring[this.#start] = event
      this.#start = this.#start + 1 === this.maxEvents ? 0 : this.#start + 1
    }
    this.#total++
  }

  /** The retained events, oldest first; a copy. */
  get events(): AuditEvent[] {
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
    return this.events.slice(mark - oldest)
  }

  last(): AuditEvent {
    const index = this.#start === 0 ? this.#ring.length - 1 : this.#start - 1
    const event = this.#ring[index]
    if (event === undefined) throw configError('No audit events were collected.')
    return event
  }

  filter(action: AuditAction): AuditEvent[] {
    return this.events.filter((event) => event.action === action)
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

  constructor(sinks: readonly AuditSink[]) {
    if (sinks.length === 0) throw configError('CompositeSink needs at least one sink.')
    this.#sinks = [...sinks]
  }

  get sinks(): AuditSink[] {
    return [...this.#sinks]
  }

  emit(event: AuditEvent): MaybePromise<void> {
    let failures: unknown[] | null = null
    for (let index = 0; index < this.#sinks.length; index++) {
      try {
        const pending = this.#sinks[index]?.emit(event)
        if (pending !== undefined && isPromise(pending))
          return this.#emitRest(event, pending, index + 1, failures ?? [])
      } catch (error) {
        failures ??= []
        failures.push(error)
      }
    }
    if (failures !== null) throw aggregate(failures)
  }

  async #emitRest(event: AuditEvent, pending: Promise<void>, next: number, failures: unknown[]): Promise<void> {
    await pending.catch((error: unknown) => failures.push(error))
    for (const sink of this.#sinks.slice(next)) {
      try {
        await sink.emit(event)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw aggregate(failures)
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

function aggregate(failures: readonly unknown[]): AggregateError {
  return new AggregateError(failures, 'CompositeSink: one or more sinks failed')
}

/** Keeps nothing. A bundle asks for it with `observability: { stdout: false }`. */
export const discardingSink: AuditSink = { emit: () => {} }
