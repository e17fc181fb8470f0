import { setImmediate } from 'node:timers/promises'
import type { UserCaller } from '../../http/caller.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Database } from '../../storage/database.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'

export interface Purged {
  readonly deleted: number
  /** What came in before it is gone. */
  readonly cutoff: Micros
}

const DAY_MS = 86_400_000
/** Rows looked at in one statement: while a long one runs, a server on SQLite answers nobody. */
const STRETCH = 5_000

/** Delete the tenant's events that came in more than so many days ago, by the time of their arrival (console-api §8.10.2). */
export function eventPurge({ database, clock }: { database: Database; clock: Clock }) {
  const { db } = database
  return async ({ tenantId }: UserCaller, olderThanDays: number): Promise<Purged> => {
    const cutoff = microsOf(clock.now() - olderThanDays * DAY_MS)
    const range = await db
      .selectFrom('events')
      .select((e) => [e.fn.min('seq').as('first'), e.fn.max('seq').as('last')])
      .executeTakeFirst()
    let deleted = 0
    if (!range || range.first === null) return { deleted, cutoff }
    for (let from = Number(range.first); from <= Number(range.last); from += STRETCH) {
      const result = await db
        .deleteFrom('events')
        .where('seq', '>=', from)
        .where('seq', '<', from + STRETCH)
        .where('tenant_id', '=', tenantId)
        .where('created_at', '<', cutoff)
        .executeTakeFirst()
      deleted += Number(result.numDeletedRows)
      await setImmediate()
    }
    return { deleted, cutoff }
  }
}
