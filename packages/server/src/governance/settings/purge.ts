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

/** Delete the tenant's events that came in more than so many days ago, by the time of their arrival (console-api §8.10.2). */
export function eventPurge({ database, clock }: { database: Pick<Database, 'events'>; clock: Clock }) {
  return async ({ tenantId }: UserCaller, olderThanDays: number): Promise<Purged> => {
    const cutoff = microsOf(clock.now() - olderThanDays * DAY_MS)
    return { deleted: await database.events.purge(tenantId, cutoff), cutoff }
  }
}
