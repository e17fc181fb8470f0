import { Conflict, InvalidInput, NotFound } from '../../errors.ts'
import { scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Shared } from '../../shared.ts'
import type { Queryable } from '../../storage/database.ts'
import { createGroupCommit } from '../../storage/group-commit.ts'
import { microsOf } from '../../storage/instants.ts'
import { sessionKeyProblem } from './key.ts'
import { createLeaseStore, type Lease } from './lease-store.ts'
import type { SessionStore } from './store.ts'

/** How long a lease reserves unless it is renewed. */
export const LEASE_SECONDS = 60
/** How long one that nobody settled may still be settled. */
const FORGOTTEN_MS = 7 * 24 * 3_600_000
const SWEEP_MS = 3_600_000
/** One change among those of a commit, for the bound on what waits. */
const WEIGHT = 500
/** Leases whose session this process remembers; that of another is looked up. */
const MOST_REMEMBERED = 10_000

type Owner = { readonly tenantId: string }

export interface Bounds {
  readonly maxAttempts?: number | undefined
  readonly maxToolCalls?: number | undefined
  /** For the tool that is asked for. */
  readonly maxCallsPerTool?: number | undefined
}

export interface ReserveRequest {
  readonly session: string
  readonly tool: string
  readonly bounds: Bounds
  /** Count an attempt in the same step, also when a bound is exceeded. */
  readonly countAttempt: boolean
}

export interface Counts {
  readonly attempts: number
  readonly executions: number
  readonly toolExecutions: number
  readonly consecutiveFailures: number
}

export interface Exceeded {
  readonly bound: 'max_attempts' | 'max_tool_calls' | 'max_calls_per_tool'
  readonly limit: number
  /** What the limit was compared with: what is counted and what is under way. */
  readonly count: number
}

export type Reserved =
  | { readonly lease: string; readonly counts: Counts }
  | { readonly exceeded: Exceeded; readonly counts: Counts }

export type Outcome = 'success' | 'failure' | 'not_run'

/**
 * Executions of sessions, reserved before they run and settled after: what is counted and what is under way never exceed a bound,
 * however many clients reserve at once, on however many servers. The counters are those that older clients count by themselves.
 */
export interface Reservations {
  /** @throws InvalidInput for names that make no session key; Conflict when a counter holds no number. */
  reserve(owner: Owner, request: ReserveRequest): Promise<Reserved>
  /** The execution ran, or not, also when its lease ran out meanwhile; null when that is known already. */
  settle(owner: Owner, lease: string, outcome: Outcome): Promise<Counts | null>
  /** It goes on. @throws NotFound when the lease ended. */
  renew(owner: Owner, lease: string): Promise<void>
}

interface Change<T> {
  readonly session: string
  readonly scope: TenantScope
  apply(within: Queryable): Promise<T>
}

export function createReservations(deps: Shared & { store: SessionStore; expiry: () => number }): Reservations {
  const { database, clock, random, workers, store, expiry } = deps
  const leases = createLeaseStore(database)
  const now = () => microsOf(clock.now())
  const sessionOfLease = new Map<string, string>()
  workers.every('session_lease_sweep', SWEEP_MS, () => leases.forget(now() - microsOf(FORGOTTEN_MS)))

  // What comes at once is kept at once: one transaction, one wait for the disk.
  const changes = createGroupCommit<Change<unknown>, unknown>(1, (some) =>
    database.db.transaction().execute(async (within) => {
      const sessions = new Set(some.map(({ scope, session }) => `session:${scope.tenantId}:${session}`))
      // In one order wherever this runs, so that two servers do not wait for each other.
      for (const name of [...sessions].sort()) await database.lock(name, within)
      const results: unknown[] = []
      for (const change of some) results.push(await change.apply(within))
      return results
    }),
  )

  async function submit<T>(change: Change<T>): Promise<T> {
    const [result] = await changes.submit([change], WEIGHT)
    return result as T
  }

  async function countsOf(scope: TenantScope, session: string, tool: string, within: Queryable): Promise<Counts> {
    const keys = keysOf(session, tool)
    const values = await store.getMany(scope, Object.values(keys), now(), within)
    const number = (key: string) => {
      const value = Number(values.get(key) ?? 0)
      if (Number.isFinite(value)) return value
      throw new Conflict(`The value of '${key}' is not a number that can be compared.`)
    }
    return {
      attempts: number(keys.attempts),
      executions: number(keys.executions),
      toolExecutions: number(keys.toolExecutions),
      consecutiveFailures: number(keys.consecutiveFailures),
    }
  }

  async function add(scope: TenantScope, keys: readonly string[], within: Queryable): Promise<void> {
    const sums = await store.increment(scope, { keys, amount: 1, now: now(), expiresAt: expiry() }, within)
    const unchanged = keys.find((key) => !sums.has(key))
    if (unchanged === undefined) return
    throw new Conflict(`The value of '${unchanged}' is not a number that can be incremented.`)
  }

  async function count(lease: Lease, outcome: Outcome, within: Queryable): Promise<void> {
    if (outcome === 'not_run') return
    const { scope, session, tool } = lease
    const keys = keysOf(session, tool)
    const counted = [keys.executions, keys.toolExecutions]
    await add(scope, outcome === 'failure' ? [...counted, keys.consecutiveFailures] : counted, within)
    if (outcome === 'success') await store.delete(scope, keys.consecutiveFailures, within)
  }

  /** The session that a lease of the tenant is of; undefined when there is none. */
  async function sessionOf(scope: TenantScope, lease: string): Promise<string | undefined> {
    const remembered = sessionOfLease.get(`${scope.tenantId} ${lease}`)
    return remembered ?? (await leases.find(scope, lease))?.session
  }

  function remember(scope: TenantScope, lease: string, session: string): void {
    if (sessionOfLease.size >= MOST_REMEMBERED) sessionOfLease.delete(sessionOfLease.keys().next().value ?? '')
    sessionOfLease.set(`${scope.tenantId} ${lease}`, session)
  }

  return {
    reserve(owner, { session, tool, bounds, countAttempt }) {
      const scope = scopeOfRecord(owner)
      requireNames(session, tool)
      return submit<Reserved>({
        scope,
        session,
        async apply(within) {
          if (countAttempt) await add(scope, [keysOf(session, tool).attempts], within)
          const counts = await countsOf(scope, session, tool, within)
          const open = await leases.countOpen(scope, session, now(), within)
          const exceeded = exceededOf(bounds, {
            attempts: counts.attempts,
            executions: counts.executions + open.reduce((sum, { count }) => sum + count, 0),
            toolExecutions: counts.toolExecutions + (open.find((of) => of.tool === tool)?.count ?? 0),
          })
          if (exceeded) return { exceeded, counts }
          const lease = random.uuid()
          await leases.insert({ id: lease, scope, session, tool, expiresAt: leaseEnd() }, within)
          remember(scope, lease, session)
          return { lease, counts }
        },
      })
    },
    async settle(owner, id, outcome) {
      const scope = scopeOfRecord(owner)
      const session = await sessionOf(scope, id)
      if (session === undefined) return null
      return submit<Counts | null>({
        scope,
        session,
        async apply(within) {
          // Of all who settle it, one takes it.
          const lease = await leases.take(scope, id, within)
          sessionOfLease.delete(`${scope.tenantId} ${id}`)
          if (!lease) return null
          await count(lease, outcome, within)
          return countsOf(scope, session, lease.tool, within)
        },
      })
    },
    async renew(owner, id) {
      if (await leases.renew(scopeOfRecord(owner), id, now(), leaseEnd())) return
      throw new NotFound('There is no such lease, or it ended.')
    },
  }

  function leaseEnd(): number {
    return now() + microsOf(LEASE_SECONDS * 1000)
  }
}

/** Where the counters of a session stand; every client knows them by these names. */
const keysOf = (session: string, tool: string) => ({
  attempts: `s:${session}:attempts`,
  executions: `s:${session}:execs`,
  toolExecutions: `s:${session}:tool:${tool}`,
  consecutiveFailures: `s:${session}:consec_fail`,
})

function requireNames(session: string, tool: string): void {
  for (const [field, key] of [
    ['session', `s:${session}:consec_fail`],
    ['tool', `s:${session}:tool:${tool}`],
  ] as const) {
    const msg = sessionKeyProblem(key)
    if (msg !== null) throw new InvalidInput([{ loc: ['body', field], msg }])
  }
}

/** The first bound that leaves no room for one more. */
function exceededOf(
  { maxAttempts, maxToolCalls, maxCallsPerTool }: Bounds,
  { attempts, executions, toolExecutions }: Omit<Counts, 'consecutiveFailures'>,
): Exceeded | null {
  // The attempt is counted already, so that a bound of N refuses the Nth.
  if (maxAttempts !== undefined && attempts >= maxAttempts)
    return { bound: 'max_attempts', limit: maxAttempts, count: attempts }
  if (maxToolCalls !== undefined && executions >= maxToolCalls)
    return { bound: 'max_tool_calls', limit: maxToolCalls, count: executions }
  if (maxCallsPerTool !== undefined && toolExecutions >= maxCallsPerTool)
    return { bound: 'max_calls_per_tool', limit: maxCallsPerTool, count: toolExecutions }
  return null
}
