import { sql } from 'kysely'
import type { Clock } from '../ports/clock.ts'
import type { Database } from '../storage/database.ts'
import { microsOf } from '../storage/instants.ts'
import type { Metrics } from './metrics.ts'
import type { Workers } from './workers.ts'

/** Whoever reads the figures more often than this gets what the database said last. */
const FRESH_MS = 5_000
/** A database that is away must not keep the other figures from being read. */
const PATIENCE_MS = 1_000

/** What waits, in the whole installation and in this process: looked up when the figures are read. */
export function measureBacklog(deps: { database: Database; clock: Clock; workers: Workers; metrics: Metrics }): void {
  const { database, clock, workers, metrics } = deps
  const inDatabase = [
    metrics.approvalsPending,
    metrics.approvalsOldest,
    metrics.outboxWaiting,
    metrics.outboxOldest,
  ] as const
  let askedAt = Number.NEGATIVE_INFINITY

  async function waitingIn(table: 'approvals' | 'notification_deliveries', status: 'pending' | 'waiting') {
    const row = await database.db
      .selectFrom(table)
      .select((e) => [e.fn.countAll<number>().as('count'), e.fn.min('created_at').as('oldest')])
      // Written out: with a parameter, no partial index would serve it.
      .where('status', '=', sql.lit(status))
      .executeTakeFirstOrThrow()
    const { count, oldest } = row as { count: number; oldest: number | null }
    return { count: Number(count), age: oldest === null ? 0 : Math.max(0, (microsOf(clock.now()) - oldest) / 1e6) }
  }

  metrics.onRead(async () => {
    if (clock.now() - askedAt < FRESH_MS) return
    askedAt = clock.now()
    try {
      const [approvals, outbox] = await inTime(
        Promise.all([waitingIn('approvals', 'pending'), waitingIn('notification_deliveries', 'waiting')]),
        clock,
      )
      metrics.approvalsPending.set(approvals.count)
      metrics.approvalsOldest.set(approvals.age)
      metrics.outboxWaiting.set(outbox.count)
      metrics.outboxOldest.set(outbox.age)
    } catch {
      // Nothing is said rather than what was true a while ago; that the database is away, `ready` tells.
      for (const gauge of inDatabase) gauge.remove()
    }
  })

  metrics.onRead(() => {
    const connections = database.connections()
    if (connections === null) return
    metrics.databaseConnections.set({ state: 'idle' }, connections.idle)
    metrics.databaseConnections.set({ state: 'busy' }, connections.open - connections.idle)
    metrics.databaseWaiting.set(connections.waiting)
  })

  metrics.onRead(() => {
    for (const [worker, state] of Object.entries(workers.status()))
      metrics.workerUp.set({ worker }, state === 'running' ? 1 : 0)
  })
}

function inTime<T>(answer: Promise<T>, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(PATIENCE_MS, () => reject(new Error('The database does not answer.')))
    answer.then(resolve, reject).finally(cancel)
  })
}
