import type { Idempotency } from '../../changes/idempotency/idempotency.ts'
import { Conflict, NotFound } from '../../errors.ts'
import type { KeyCaller } from '../../identity/caller.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Shared } from '../../shared.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { createGroupCommit } from '../group-commit.ts'
import { requireSessionKey } from './key.ts'
import { createReservations, type Reservations } from './reservations.ts'
import { createSessionStore } from './store.ts'

const TTL_MS = 7 * 24 * 3_600_000
const SWEEP_MS = 3_600_000

/** One increment among those of a commit, for the bound on what waits. */
const INCREMENT_WEIGHT = 500

interface Increment {
  readonly tenantId: string
  readonly key: string
  readonly amount: number
  readonly onceKey: string | null
}

type Owner = Pick<KeyCaller, 'tenantId'>

/**
 * Values that the agents of a tenant share: counters of sessions, above all. Texts, kept for seven days
 * after the last write. No environment and no agent owns a key.
 */
export interface SessionValues {
  /** @throws NotFound; InvalidInput for a key that is none, as all of these. */
  get(owner: Owner, key: string): Promise<string>
  /** Every key asked for, null where there is no value. */
  getMany(owner: Owner, keys: readonly string[]): Promise<Record<string, string | null>>
  set(owner: Owner, key: string, value: string): Promise<void>
  /** Also when there is nothing to delete. */
  delete(owner: Owner, key: string): Promise<void>
  /**
   * Add to a counter, which starts at 0; the sum. With `onceKey`, once for all repetitions of the request.
   * @throws Conflict when the value is no number.
   */
  increment(owner: Owner, key: string, amount: number, onceKey: string | null): Promise<number>
}

export interface Sessions extends SessionValues, Reservations {}

export function createSessions(deps: Shared): Sessions {
  const { database, clock, workers } = deps
  const store = createSessionStore(database)
  const now = () => microsOf(clock.now())
  workers.every('session_value_sweep', SWEEP_MS, () => store.purge(now()))
  return {
    ...createReservations({ ...deps, store, expiry: () => now() + microsOf(TTL_MS) }),
    ...createSessionValues(deps),
  }
}

export function createSessionValues(deps: {
  database: Database
  clock: Clock
  idempotency: Pick<Idempotency, 'once'>
}): SessionValues {
  const { database, clock, idempotency } = deps
  const store = createSessionStore(database)
  const now = () => microsOf(clock.now())
  const expiry = () => now() + microsOf(TTL_MS)

  // A guarded call counts several values at once, and so do its neighbours: one transaction, one wait for the disk.
  const increments = createGroupCommit<Increment, number>(1, (changes) =>
    database.db.transaction().execute(async (within) => {
      const sums = new Map<Increment, number>()
      // In one order wherever this runs, so that two servers do not wait for each other's rows.
      for (const change of changes.toSorted(byKey)) sums.set(change, await addOnce(change, within))
      return changes.map((change) => sums.get(change) ?? Number.NaN)
    }),
  )

  function addOnce(change: Increment, within: Queryable): Promise<number> {
    const { tenantId, key, amount, onceKey } = change
    const add = async () => {
      const sums = await store.increment(
        scopeOfRecord({ tenantId }),
        { keys: [key], amount, now: now(), expiresAt: expiry() },
        within,
      )
      const sum = sums.get(key)
      if (sum === undefined) throw new Conflict(`The value of '${key}' is not a number that can be incremented.`)
      return Number(sum)
    }
    if (onceKey === null) return add()
    return idempotency.once({ tenantId, operation: `increment:${key}`, key: onceKey, request: amount }, within, add)
  }

  return {
    async get({ tenantId }, key) {
      const value = await store.get(scopeOfRecord({ tenantId }), requireSessionKey(key, ['path', 'key']), now())
      if (value === undefined) throw new NotFound('Key not found')
      return value
    },
    async getMany({ tenantId }, keys) {
      for (const [index, key] of keys.entries()) requireSessionKey(key, ['body', 'keys', index])
      const asked = [...new Set(keys)]
      const found = await store.getMany(scopeOfRecord({ tenantId }), asked, now())
      return Object.fromEntries(asked.map((key) => [key, found.get(key) ?? null]))
    },
    async set({ tenantId }, key, value) {
      await store.set(scopeOfRecord({ tenantId }), requireSessionKey(key, ['path', 'key']), value, expiry())
    },
    async delete({ tenantId }, key) {
      await store.delete(scopeOfRecord({ tenantId }), requireSessionKey(key, ['path', 'key']))
    },
    async increment({ tenantId }, key, amount, onceKey) {
      requireSessionKey(key, ['path', 'key'])
      const [sum = Number.NaN] = await increments.submit([{ tenantId, key, amount, onceKey }], INCREMENT_WEIGHT)
      return sum
    },
  }
}

function byKey(a: Increment, b: Increment): number {
  if (a.tenantId !== b.tenantId) return a.tenantId < b.tenantId ? -1 : 1
  return a.key === b.key ? 0 : a.key < b.key ? -1 : 1
}
