import type { Idempotency } from '../../changes/idempotency/idempotency.ts'
import { Conflict, NotFound } from '../../errors.ts'
import type { KeyCaller } from '../../identity/caller.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Shared } from '../../shared.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { createGroupCommit } from '../group-commit.ts'
import { type KeyRule, requireSessionKey, sessionKeyProblem } from './key.ts'
import { createReservations, type Reservations } from './reservations.ts'
import { createSessionStore } from './store.ts'

const TTL_MS = 7 * 24 * 3_600_000
const SWEEP_MS = 3_600_000

/** One change among those of a commit, for the bound on what waits. */
const CHANGE_WEIGHT = 500

interface Change {
  readonly tenantId: string
  readonly key: string
  /** Null: the value goes. */
  readonly amount: number | null
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
  /** Writes only while the value is still what it was, null for none. @throws Conflict when it is not. */
  replace(owner: Owner, key: string, value: string, expected: string | null): Promise<void>
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
  /** Which keys there may be. */
  keyRule?: KeyRule
}): SessionValues {
  const { database, clock, idempotency, keyRule = sessionKeyProblem } = deps
  const store = createSessionStore(database)
  const now = () => microsOf(clock.now())
  const expiry = () => now() + microsOf(TTL_MS)

  // A guarded call counts several values at once, and so do its neighbours: one transaction, one wait for the disk.
  const waiting = createGroupCommit<Change, number>(1, (changes) =>
    database.db.transaction().execute(async (within) => {
      const sums = new Map<Change, number>()
      // In one order wherever this runs, so that two servers do not wait for each other's rows; those of a key as they came.
      for (const change of changes.toSorted(byKey)) sums.set(change, await make(change, within))
      return changes.map((change) => sums.get(change) ?? Number.NaN)
    }),
  )

  async function make(change: Change, within: Queryable): Promise<number> {
    const { tenantId, key, amount, onceKey } = change
    if (amount === null) {
      await store.delete(scopeOfRecord({ tenantId }), key, within)
      return 0
    }
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
      const value = await store.get(
        scopeOfRecord({ tenantId }),
        requireSessionKey(key, ['path', 'key'], keyRule),
        now(),
      )
      if (value === undefined) throw new NotFound('Key not found')
      return value
    },
    async getMany({ tenantId }, keys) {
      for (const [index, key] of keys.entries()) requireSessionKey(key, ['body', 'keys', index], keyRule)
      const asked = [...new Set(keys)]
      const found = await store.getMany(scopeOfRecord({ tenantId }), asked, now())
      return Object.fromEntries(asked.map((key) => [key, found.get(key) ?? null]))
    },
    async set({ tenantId }, key, value) {
      await store.set(scopeOfRecord({ tenantId }), requireSessionKey(key, ['path', 'key'], keyRule), value, expiry())
    },
    async replace({ tenantId }, key, value, expected) {
      const change = { key: requireSessionKey(key, ['path', 'key'], keyRule), value, expected }
      const isReplaced = await store.replace(scopeOfRecord({ tenantId }), {
        ...change,
        now: now(),
        expiresAt: expiry(),
      })
      if (!isReplaced) throw new Conflict(`The value of '${key}' has changed; read it again.`)
    },
    async delete({ tenantId }, key) {
      const change = { tenantId, key: requireSessionKey(key, ['path', 'key'], keyRule), amount: null, onceKey: null }
      await waiting.submit([change], CHANGE_WEIGHT)
    },
    async increment({ tenantId }, key, amount, onceKey) {
      requireSessionKey(key, ['path', 'key'], keyRule)
      const [sum = Number.NaN] = await waiting.submit([{ tenantId, key, amount, onceKey }], CHANGE_WEIGHT)
      return sum
    },
  }
}

function byKey(a: Change, b: Change): number {
  if (a.tenantId !== b.tenantId) return a.tenantId < b.tenantId ? -1 : 1
  return a.key === b.key ? 0 : a.key < b.key ? -1 : 1
}
