import { sql } from 'kysely'
import type { Clock } from '../ports/clock.ts'
import {
  type Charge,
  type Counter,
  type CounterName,
  type WindowCounters,
  windowStartOf,
} from '../ports/window-counters.ts'
import type { Database, Queryable } from './database.ts'

/** Rows of users that have gone are forgotten this long after their window. */
const KEPT_MS = 86_400_000

class DoesNotFit extends Error {}

/** Counters as rows of the database, one for each counter, which the next window takes over. */
export function createWindowCounters(deps: { database: Database; clock: Clock }): WindowCounters & {
  /** Forget counters whose windows have long ended. */
  sweep(): Promise<void>
} {
  const { database, clock } = deps

  /** As they are in the window that is under way; a row that there is not counts nothing. */
  async function countersOf(charges: readonly CounterName[], within: Queryable): Promise<Counter[]> {
    const now = clock.now()
    const [first] = charges
    if (first === undefined) return []
    const rows = await within
      .selectFrom('rate_limit_counters')
      .selectAll()
      .where('scope_id', 'in', [...new Set(charges.map(({ scopeId }) => scopeId))])
      .execute()
    return charges.map((charge) => {
      const windowStart = windowStartOf(now, charge)
      const row = rows.find(
        (one) =>
          one.scope_type === charge.scopeType &&
          one.scope_id === charge.scopeId &&
          one.resource_type === charge.resourceType &&
          one.bucket === charge.bucket,
      )
      const isCurrent = row !== undefined && Number(row.window_start) >= windowStart
      return {
        ...nameOf(charge),
        windowStart: isCurrent ? Number(row.window_start) : windowStart,
        count: isCurrent ? Number(row.counter) : 0,
      }
    })
  }

  async function count(charges: readonly Charge[], within: Queryable): Promise<Counter[]> {
    const now = clock.now()
    // One order for everybody: nobody waits for who waits for them.
    const rows = charges.toSorted(byName).map((charge) => ({
      scope_type: charge.scopeType,
      scope_id: charge.scopeId,
      resource_type: charge.resourceType,
      bucket: charge.bucket,
      window_seconds: charge.windowSeconds,
      window_start: windowStartOf(now, charge),
      counter: charge.amount,
      limit_value: charge.limit,
    }))
    const isLater = sql<boolean>`excluded.window_start > rate_limit_counters.window_start`
    const counted = sql<number>`case when ${isLater} then excluded.counter else rate_limit_counters.counter + excluded.counter end`
    const written = await within
      .insertInto('rate_limit_counters')
      .values(rows)
      .onConflict((conflict) =>
        conflict
          .columns(['scope_type', 'scope_id', 'resource_type', 'bucket'])
          .doUpdateSet({
            counter: counted,
            // A clock that is behind counts in the window that there is.
            window_start: sql`case when ${isLater} then excluded.window_start else rate_limit_counters.window_start end`,
            limit_value: sql`excluded.limit_value`,
          })
          .where(sql<boolean>`(excluded.limit_value is null or ${counted} <= excluded.limit_value)`),
      )
      .returning(['scope_type', 'scope_id', 'resource_type', 'bucket', 'counter', 'window_start'])
      .execute()
    if (written.length < rows.length) throw new DoesNotFit()
    return charges.map((charge) => {
      const row = written.find(
        (one) =>
          one.scope_type === charge.scopeType &&
          one.scope_id === charge.scopeId &&
          one.resource_type === charge.resourceType &&
          one.bucket === charge.bucket,
      )
      return { ...nameOf(charge), windowStart: Number(row?.window_start), count: Number(row?.counter) }
    })
  }

  async function refusalOf(charges: readonly Charge[]): Promise<{ refused: Charge; counter: Counter } | null> {
    const counters = await countersOf(charges, database.db)
    for (const [n, charge] of charges.entries()) {
      const counter = counters[n]
      if (counter && charge.limit !== null && counter.count + charge.amount > charge.limit)
        return { refused: charge, counter }
    }
    return null
  }

  return {
    async take(charges) {
      if (charges.length === 0) return { isTaken: true, counters: [] }
      for (;;) {
        // An insert compares with nothing: what is more than the whole limit is told apart here.
        const isTooMuch = charges.some(({ amount, limit }) => limit !== null && amount > limit)
        if (!isTooMuch)
          try {
            const counters = await database.db.transaction().execute((within) => count(charges, within))
            return { isTaken: true, counters }
          } catch (error) {
            if (!(error instanceof DoesNotFit)) throw error
          }
        const refusal = await refusalOf(charges)
        // Null: the window that was full has ended meanwhile, or somebody gave back.
        if (refusal) return { isTaken: false, ...refusal }
      }
    },
    async giveBack(charges) {
      const now = clock.now()
      await database.db.transaction().execute(async (within) => {
        for (const charge of charges.toSorted(byName))
          await within
            .updateTable('rate_limit_counters')
            .set((e) => ({
              counter: e
                .case()
                .when('counter', '>', charge.amount)
                .then(e('counter', '-', charge.amount))
                .else(0)
                .end(),
            }))
            .where('scope_type', '=', charge.scopeType)
            .where('scope_id', '=', charge.scopeId)
            .where('resource_type', '=', charge.resourceType)
            .where('bucket', '=', charge.bucket)
            .where('window_start', '=', windowStartOf(now, charge))
            .execute()
      })
    },
    async list({ scopeType, scopeId }) {
      const rows = await database.db
        .selectFrom('rate_limit_counters')
        .selectAll()
        .where('scope_type', '=', scopeType)
        .where('scope_id', '=', scopeId)
        .orderBy('resource_type')
        .orderBy('window_seconds')
        .execute()
      const now = clock.now()
      return rows
        .map((row) => ({
          scopeType,
          scopeId,
          resourceType: row.resource_type,
          bucket: row.bucket,
          windowSeconds: row.window_seconds,
          windowStart: Number(row.window_start),
          count: Number(row.counter),
        }))
        .filter(
          ({ windowStart, windowSeconds, count: counted }) => windowStart + windowSeconds * 1000 > now && counted > 0,
        )
    },
    async sweep() {
      await database.db
        .deleteFrom('rate_limit_counters')
        .where(sql<boolean>`window_start + cast(window_seconds as bigint) * 1000 < ${clock.now() - KEPT_MS}`)
        .execute()
    },
  }
}

const nameOf = ({ scopeType, scopeId, resourceType, bucket, windowSeconds }: CounterName): CounterName => ({
  scopeType,
  scopeId,
  resourceType,
  bucket,
  windowSeconds,
})

const keyOf = ({ scopeType, scopeId, resourceType, bucket }: CounterName) =>
  JSON.stringify([scopeType, scopeId, resourceType, bucket])

function byName(one: CounterName, other: CounterName): number {
  const [a, b] = [keyOf(one), keyOf(other)]
  return a < b ? -1 : a > b ? 1 : 0
}
