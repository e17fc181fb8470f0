import type { UserCaller } from '../../identity/caller.ts'
import { scopeOf, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'

export interface Purged {
  readonly deleted: number
  /** What came in before it is gone. */
  readonly cutoff: Micros
}

const DAY_MS = 86_400_000

/** Delete events of the caller's tenant. */
export type PurgeEvents = (caller: UserCaller, olderThanDays: number) => Promise<Purged>

/** Delete the tenant's events that came in more than so many days ago, by the time of their arrival. */
export function createPurgeEvents({
  ledger,
  clock,
}: {
  ledger: { purge(scope: TenantScope, cutoff: Micros): Promise<number> }
  clock: Clock
}): PurgeEvents {
  return async (caller, olderThanDays) => {
    const cutoff = microsOf(clock.now() - olderThanDays * DAY_MS)
    return { deleted: await ledger.purge(scopeOf(caller), cutoff), cutoff }
  }
}
