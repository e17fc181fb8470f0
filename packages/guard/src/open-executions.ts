import type { ExecutionBounds, Lease, Reserved, SessionCounters } from './reservations.ts'
import type { StorageBackend } from './storage.ts'

/** The lease of every execution that is reserved in this process: which one it is makes no difference. */
export const OWN_LEASE: Lease = Object.freeze({ id: null, expiresInSeconds: Number.POSITIVE_INFINITY })

/** The executions of one session that are under way in this process. */
export class OpenExecutions {
  total = 0
  /** A session that lives as long as its guard is not forgotten between calls. */
  isLasting = false
  readonly #tools = new Map<string, { count: number }>()
  readonly #forget: () => void
  #queue: Promise<unknown> | null = null

  /** `forget` is called whenever nothing is under way any more. */
  constructor(forget: () => void) {
    this.#forget = forget
  }

  ofTool(tool: string): number {
    return this.#tools.get(tool)?.count ?? 0
  }

  add(tool: string): void {
    this.total++
    const known = this.#tools.get(tool)
    if (known) known.count++
    else this.#tools.set(tool, { count: 1 })
  }

  remove(tool: string): void {
    this.total--
    const known = this.#tools.get(tool)
    if (known) known.count--
    this.#forgetIfIdle()
  }

  /** Runs `act` when everything that was queued before has ended: a counter is read and reserved in one step. */
  inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#queue === null ? act() : this.#queue.then(act)
    const ended: Promise<void> = turn.then(nothing, nothing).then(() => {
      if (this.#queue !== ended) return
      this.#queue = null
      this.#forgetIfIdle()
    })
    this.#queue = ended
    return turn
  }

  #forgetIfIdle(): void {
    if (this.total === 0 && this.#queue === null && !this.isLasting) this.#forget()
  }
}

const nothing = (): void => {}

const openOf = new WeakMap<StorageBackend, Map<string, OpenExecutions>>()

/** Guards that share a backend share its sessions, and so what is under way in them. */
export function openExecutions(backend: StorageBackend, sessionId: string): OpenExecutions {
  let sessions = openOf.get(backend)
  if (sessions === undefined) {
    sessions = new Map()
    openOf.set(backend, sessions)
  }
  const known = sessions.get(sessionId)
  if (known !== undefined) return known
  const own = sessions
  const open = new OpenExecutions(() => own.delete(sessionId))
  sessions.set(sessionId, open)
  return open
}

/** Whether the bounds leave room for one more, those under way counted in. */
export function hasRoom(
  open: OpenExecutions,
  tool: string,
  counters: SessionCounters,
  bounds: ExecutionBounds | null,
): boolean {
  if (bounds === null) return true
  const { limits, toolLimit } = bounds
  return (
    counters.attempts < limits.maxAttempts &&
    counters.executions + open.total < limits.maxToolCalls &&
    (toolLimit === null || counters.toolExecutions + open.ofTool(tool) < toolLimit)
  )
}

/** Takes one place if there is one; else tells the counters with those under way counted in. */
export function takeOne(
  open: OpenExecutions,
  tool: string,
  counters: SessionCounters,
  bounds: ExecutionBounds | null,
): Reserved {
  if (hasRoom(open, tool, counters, bounds)) {
    open.add(tool)
    return { counters, lease: OWN_LEASE }
  }
  const executions = counters.executions + open.total
  const toolExecutions = counters.toolExecutions + open.ofTool(tool)
  return { counters: { attempts: counters.attempts, executions, toolExecutions }, lease: null }
}
