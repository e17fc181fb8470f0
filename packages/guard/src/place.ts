import type { OperationLimits } from '@lictor/contracts'
import type { Clock } from './clock.ts'
import { type Heartbeat, keepAlive } from './heartbeat.ts'
import { errorText, type Logger } from './logger.ts'
import { isPromise, type MaybePromise } from './maybe-promise.ts'
import { OWN_LEASE } from './open-executions.ts'
import type { Lease, Reserved, SessionCounters } from './reservations.ts'
import type { ReservationOf, Session } from './session.ts'

/**
 * The place of one call among the executions that its session has room for: taken before the tool runs, kept while it does,
 * then counted, or given back by a call that did not run.
 */
export class Place {
  readonly #session: Session
  readonly #tool: string
  readonly #deps: { readonly clock: Clock; readonly logger: Logger }
  #lease: Lease | null = null
  #heartbeat: Heartbeat | null = null

  constructor(session: Session, tool: string, deps: { readonly clock: Clock; readonly logger: Logger }) {
    this.#session = session
    this.#tool = tool
    this.#deps = deps
  }

  get isTaken(): boolean {
    return this.#lease !== null
  }

  /** The shortest way: by counters that were read in this very turn. False where another way must be gone. */
  takeAtOnce(limits: OperationLimits, read: SessionCounters): boolean {
    if (!this.#session.takeAtOnce(this.#tool, limits, read)) return false
    this.#lease = OWN_LEASE
    return true
  }

  /** Takes a place if there is one; `known` are the counters read before, where the attempt is counted already. */
  reserve(request: Omit<ReservationOf, 'tool'>, known: SessionCounters | null): MaybePromise<Reserved> {
    const reserved = this.#session.reserve({ tool: this.#tool, ...request }, known)
    return isPromise(reserved) ? reserved.then((taken) => this.#take(taken)) : this.#take(reserved)
  }

  #take(reserved: Reserved): Reserved {
    this.#lease = reserved.lease
    return reserved
  }

  /** From here on the tool runs. */
  keep(): void {
    const lease = this.#lease
    if (lease === null || lease.id === null) return
    const { clock, logger } = this.#deps
    this.#heartbeat = keepAlive({ clock, logger, session: this.#session, lease })
  }

  /** The tool has ended; its execution is counted next. */
  toolEnded(): void {
    this.#heartbeat?.stop()
  }

  /** Counts the execution, with or without a place; returns how many the session has, this one included. */
  count(success: boolean): MaybePromise<number> {
    const lease = this.#lease
    this.#lease = null
    return lease === null
      ? this.#session.recordExecution(this.#tool, success)
      : this.#session.settle(lease, this.#tool, success ? 'success' : 'failure')
  }

  /** The tool does not run. Never throws: a place that could not be given back runs out by itself. */
  giveBack(): void {
    const lease = this.#lease
    if (lease === null) return
    this.#lease = null
    this.#heartbeat?.stop()
    const failed = (error: unknown) => this.#deps.logger.debug(`a reservation runs out by itself: ${errorText(error)}`)
    try {
      const settled = this.#session.settle(lease, this.#tool, 'not_run')
      if (isPromise(settled)) settled.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}
