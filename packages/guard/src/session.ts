import type { OperationLimits } from '@lictor/contracts'
import { configError } from './errors.ts'
import { alongside, isPromise, type MaybePromise } from './maybe-promise.ts'
import { type OpenExecutions, OWN_LEASE, openExecutions, takeOne } from './open-executions.ts'
import type {
  ExecutionBounds,
  Lease,
  LeaseOutcome,
  Reserved,
  SessionCounters,
  SessionReservations,
} from './reservations.ts'
import type { StorageBackend } from './storage.ts'

export type { SessionCounters }

/** Of a session in which nothing has happened. */
export const NO_COUNTERS: SessionCounters = Object.freeze({ attempts: 0, executions: 0, toolExecutions: 0 })

/** What a session is asked to reserve. */
export interface ReservationOf {
  readonly tool: string
  /** Some contract looks at the executions of this tool. */
  readonly readTool: boolean
  readonly bounds: ExecutionBounds | null
}

/** Other processes of one session that may be faster, one after the other. */
const MOST_ATTEMPTS = 50

const ILLEGAL_SESSION_ID = /[\u0000-\u001f\u007f/\\:]/
const ILLEGAL_TOOL_NAME = /[\u0000-\u001f\u007f-\u009f\u2028\u2029/\\]/

/** Refuses a session id that could reach another session's keys, which are colon-separated. */
export function checkSessionId(sessionId: string): void {
  if (typeof sessionId !== 'string' || sessionId === '' || ILLEGAL_SESSION_ID.test(sessionId)) {
    throw configError(
      `Invalid session id ${JSON.stringify(sessionId)}: it must be non-empty, without control characters, '/', '\\' or ':'.`,
    )
  }
}

function checkToolName(tool: string): void {
  if (typeof tool !== 'string' || tool === '' || ILLEGAL_TOOL_NAME.test(tool)) {
    throw configError(
      `Invalid tool name ${JSON.stringify(tool)}: it must be non-empty, without control characters, '/' or '\\'.`,
    )
  }
}

/** The counters of one session in a storage backend. Methods answer at once when the backend does. */
export class Session {
  readonly sessionId: string
  readonly #backend: StorageBackend
  readonly #attemptsKey: string
  readonly #executionsKey: string
  readonly #failuresKey: string
  readonly #toolKeys = new Map<string, string>()
  readonly #lastingOpen: OpenExecutions | null

  /** A `lasting` session is that of a guard, for as long as it lives. */
  constructor(sessionId: string, backend: StorageBackend, lasting = false) {
    checkSessionId(sessionId)
    this.sessionId = sessionId
    this.#backend = backend
    this.#attemptsKey = `s:${sessionId}:attempts`
    this.#executionsKey = `s:${sessionId}:execs`
    this.#failuresKey = `s:${sessionId}:consec_fail`
    this.#lastingOpen = lasting ? openExecutions(backend, sessionId) : null
    if (this.#lastingOpen !== null) this.#lastingOpen.isLasting = true
  }

  get #open(): OpenExecutions {
    return this.#lastingOpen ?? openExecutions(this.#backend, this.sessionId)
  }

  /** Counts one attempt, before anything is decided; returns the new count. */
  incrementAttempts(): MaybePromise<number> {
    return this.#backend.increment(this.#attemptsKey, 1)
  }

  attemptCount(): MaybePromise<number> {
    return this.#read(this.#attemptsKey)
  }

  executionCount(): MaybePromise<number> {
    return this.#read(this.#executionsKey)
  }

  toolExecutionCount(tool: string): MaybePromise<number> {
    return this.#read(this.#toolKey(tool))
  }

  consecutiveFailures(): MaybePromise<number> {
    return this.#read(this.#failuresKey)
  }

  /**
   * Counts one execution of `tool`; success clears the run of failures, failure lengthens it. Returns the number of
   * executions of the session, this one included. A backend that answers later is asked for all three at once.
   */
  recordExecution(tool: string, success: boolean): MaybePromise<number> {
    const toolKey = this.#toolKey(tool)
    const executions = this.#backend.increment(this.#executionsKey, 1)
    if (isPromise(executions)) return this.#recordLater(executions, toolKey, success)
    const perTool = this.#backend.increment(toolKey, 1)
    const failures = this.#countFailures(success)
    if (!isPromise(perTool) && !isPromise(failures)) return executions
    return Promise.all([perTool, failures]).then(() => executions)
  }

  async #recordLater(executions: Promise<number>, toolKey: string, success: boolean): Promise<number> {
    const perTool = alongside(executions, () => this.#backend.increment(toolKey, 1))
    const failures = alongside(executions, () => alongside(perTool, () => this.#countFailures(success)))
    const [count] = await Promise.all([executions, perTool, failures])
    return count
  }

  #countFailures(success: boolean): MaybePromise<unknown> {
    return success ? this.#backend.delete(this.#failuresKey) : this.#backend.increment(this.#failuresKey, 1)
  }

  /**
   * Counts one attempt and reads what deciding about it needs: the new number of attempts, the executions, and those of a
   * tool where a limit asks for them. A backend that answers later is asked for both at once, in two requests.
   */
  beginAttempt(includeTool: string | null): MaybePromise<SessionCounters> {
    const attempts = this.#backend.increment(this.#attemptsKey, 1)
    const { readNow } = this.#backend
    if (readNow && !isPromise(attempts)) {
      const toolExecutions = includeTool === null ? 0 : readNow(this.#toolKey(includeTool))
      return {
        attempts: counted(this.#attemptsKey, attempts),
        executions: readNow(this.#executionsKey),
        toolExecutions,
      }
    }
    const read = alongside(attempts, () => this.#readCounts(this.#executionKeys(includeTool)))
    if (!isPromise(attempts) && !isPromise(read)) return withAttempts(this.#attemptsKey, attempts, read)
    return Promise.all([attempts, read]).then(([count, counts]) => withAttempts(this.#attemptsKey, count, counts))
  }

  /** What `beginAttempt` would answer just now; counts nothing. */
  async nextAttempt(includeTool: string | null): Promise<SessionCounters> {
    const [attempts, executions, toolExecutions] = await Promise.all([
      this.attemptCount(),
      this.executionCount(),
      includeTool === null ? 0 : this.toolExecutionCount(includeTool),
    ])
    return { attempts: attempts + 1, executions, toolExecutions }
  }

  /**
   * Reserves one execution, so that calls side by side never run more often than the bounds allow; with `countAttempt` the
   * attempt is counted in the same step. `known` are the counters read before, where the attempt is counted already.
   */
  reserve(request: ReservationOf, known: SessionCounters | null): MaybePromise<Reserved> {
    const { reservations, readNow } = this.#backend
    if (reservations) return this.#reserveThere(reservations, request, known)
    if (readNow && known !== null) {
      const { tool, readTool, bounds } = request
      const executions = readNow(this.#executionsKey)
      const toolExecutions = readTool ? readNow(this.#toolKey(tool)) : 0
      const counters = { attempts: known.attempts, executions, toolExecutions }
      return takeOne(this.#open, tool, counters, bounds)
    }
    return this.#reserveHere(request, known)
  }

  /** Takes a place in this process, by counters that were read in this very turn; false where another way must be gone. */
  takeAtOnce(tool: string, limits: OperationLimits, read: SessionCounters): boolean {
    if (this.#lastingOpen === null || !this.answersAtOnce || this.#backend.reservations) return false
    const open = this.#lastingOpen
    if (read.attempts >= limits.maxAttempts || read.executions + open.total >= limits.maxToolCalls) return false
    const toolLimit = limits.maxCallsPerTool.get(tool)
    if (toolLimit !== undefined && read.toolExecutions + open.ofTool(tool) >= toolLimit) return false
    open.add(tool)
    return true
  }

  #reserveHere({ tool, readTool, bounds }: ReservationOf, known: SessionCounters | null): Promise<Reserved> {
    const includeTool = readTool ? tool : null
    const open = this.#open
    return open.inTurn(async () => {
      const counters =
        known === null
          ? await this.beginAttempt(includeTool)
          : { ...(await this.readCounters(includeTool)), attempts: known.attempts }
      return takeOne(open, tool, counters, bounds)
    })
  }

  async #reserveThere(
    reservations: SessionReservations,
    request: ReservationOf,
    known: SessionCounters | null,
  ): Promise<Reserved> {
    const { tool, bounds } = request
    const reserved = await reservations.reserve({
      sessionId: this.sessionId,
      tool,
      bounds,
      countAttempt: known === null,
    })
    if (reserved === null) return this.#reserveHere(request, known)
    if (known === null) return reserved
    return { counters: { ...reserved.counters, attempts: known.attempts }, lease: reserved.lease }
  }

  /**
   * Ends a reserved execution: counts it, or gives it back. Returns the number of executions of the session, this one
   * included; for one that did not run, 0.
   */
  settle(lease: Lease, tool: string, outcome: LeaseOutcome): MaybePromise<number> {
    if (lease.id !== null) return this.#settleThere(lease.id, outcome)
    const open = this.#open
    if (outcome === 'not_run') {
      open.remove(tool)
      return 0
    }
    if (this.#backend.readNow) {
      try {
        return this.recordExecution(tool, outcome === 'success')
      } finally {
        open.remove(tool)
      }
    }
    return open.inTurn(async () => this.recordExecution(tool, outcome === 'success')).finally(() => open.remove(tool))
  }

  async #settleThere(lease: string, outcome: LeaseOutcome): Promise<number> {
    return (await this.#backend.reservations?.settle(lease, outcome)) ?? 0
  }

  /** Lengthens a lease that is kept elsewhere; returns the seconds it holds from now on. */
  async renew(lease: Lease): Promise<number> {
    if (lease.id === null) return OWN_LEASE.expiresInSeconds
    return (await this.#backend.reservations?.renew(lease.id)) ?? OWN_LEASE.expiresInSeconds
  }

  /**
   * Which of these the session remembers: a label that was put on it, a tool that has run. Asked for by the name that the
   * store has for it, as `Policy.marksFor` and `PostDecision.marks` give it.
   */
  readMarks(marks: readonly string[]): MaybePromise<ReadonlySet<string>> {
    const counts = this.#readCounts(marks.map((mark) => this.#markKey(mark)))
    const found = (read: readonly number[]) => new Set(marks.filter((_, index) => (read[index] ?? 0) > 0))
    return isPromise(counts) ? counts.then(found) : found(counts)
  }

  /** The session remembers these from now on. */
  putMarks(marks: readonly string[]): MaybePromise<void> {
    const put = marks.map((mark) => this.#backend.increment(this.#markKey(mark), 1))
    if (put.some(isPromise)) return Promise.all(put).then(() => {})
  }

  /**
   * Reads a value of the session, changes it and keeps it, in a turn of its own among the calls of this process; where another
   * process was faster, anew. `value` null leaves it as it is.
   */
  changeValue<Result>(
    name: string,
    change: (stored: string | null) => { readonly value: string | null; readonly result: Result },
  ): Promise<Result> {
    const key = `s:${this.sessionId}:${name}`
    const backend = this.#backend
    return this.#open.inTurn(async () => {
      for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        const stored = await backend.get(key)
        const { value, result } = change(stored)
        if (value === null) return result
        if (!backend.replace) await backend.set(key, value)
        if (!backend.replace || (await backend.replace(key, value, stored))) return result
        // The answer to a write that was repeated may be about the first of the two.
        if ((await backend.get(key)) === value) return result
      }
      throw new Error(`${key} was changed by others ${MOST_ATTEMPTS} times in a row.`)
    })
  }

  #markKey(mark: string): string {
    return `s:${this.sessionId}:${mark}`
  }

  /** The backend answers at once: nothing is saved by asking it for several things in one step. */
  get answersAtOnce(): boolean {
    return this.#backend.readNow !== undefined
  }

  /** All counters by one read, without counting anything; the per-tool one only when asked for. */
  readCounters(includeTool: string | null): MaybePromise<SessionCounters> {
    const keys = [this.#attemptsKey, ...this.#executionKeys(includeTool)]
    const toCounters = ([attempts = 0, executions = 0, toolExecutions = 0]: readonly number[]): SessionCounters => ({
      attempts,
      executions,
      toolExecutions,
    })
    const counts = this.#readCounts(keys)
    return isPromise(counts) ? counts.then(toCounters) : toCounters(counts)
  }

  #executionKeys(includeTool: string | null): string[] {
    return includeTool === null ? [this.#executionsKey] : [this.#executionsKey, this.#toolKey(includeTool)]
  }

  #readCounts(keys: readonly string[]): MaybePromise<readonly number[]> {
    const { readNow } = this.#backend
    if (readNow) return keys.map((key) => readNow(key))
    const values = this.#backend.batchGet ? this.#backend.batchGet(keys) : this.#readEach(keys)
    const toCounts = (found: Readonly<Record<string, string | null>>) => keys.map((key) => toCount(key, found[key]))
    return isPromise(values) ? values.then(toCounts) : toCounts(values)
  }

  /** The counters by name, as adapters and other SDKs know them: `attempts`, `execs`, `tool:<name>`. */
  async batchGetCounters(options: { readonly includeTool?: string } = {}): Promise<Record<string, number>> {
    const counters = await this.readCounters(options.includeTool ?? null)
    const result: Record<string, number> = { attempts: counters.attempts, execs: counters.executions }
    if (options.includeTool !== undefined) result[`tool:${options.includeTool}`] = counters.toolExecutions
    return result
  }

  async #readEach(keys: readonly string[]): Promise<Record<string, string | null>> {
    const found: Record<string, string | null> = {}
    for (const key of keys) found[key] = await this.#backend.get(key)
    return found
  }

  #read(key: string): MaybePromise<number> {
    const value = this.#backend.get(key)
    return isPromise(value) ? value.then((text) => toCount(key, text)) : toCount(key, value)
  }

  #toolKey(tool: string): string {
    const known = this.#toolKeys.get(tool)
    if (known !== undefined) return known
    checkToolName(tool)
    const key = `s:${this.sessionId}:tool:${tool}`
    this.#toolKeys.set(tool, key)
    return key
  }
}

/** A backend that does not say how many attempts there were must not make a limit unreachable. */
function withAttempts(
  key: string,
  attempts: number,
  [executions = 0, toolExecutions = 0]: readonly number[],
): SessionCounters {
  return { attempts: counted(key, attempts), executions, toolExecutions }
}

function counted(key: string, attempts: number): number {
  if (typeof attempts === 'number' && Number.isFinite(attempts)) return attempts
  throw new Error(`The storage backend answered the increment of ${key} with ${String(attempts)}, which is no number.`)
}

/** A counter that cannot be read as a number must not read as 0: the limit it feeds would never be reached. */
function toCount(key: string, value: string | null | undefined): number {
  if (value === null || value === undefined) return 0
  const count = value.trim() === '' ? Number.NaN : Number(value)
  if (!Number.isFinite(count)) {
    throw new Error(
      `The counter ${key} holds ${JSON.stringify(value)}, which is not a number; repair or delete the key.`,
    )
  }
  return count
}
