import type { Journal, JournalSubject } from '../../changes/journal/journal.ts'
import type { JournalStore } from '../../changes/journal/store.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { EventDraft } from './events.ts'

/**
 * What happens to things of a tenant that belong to no execution and to no agent: secrets, credentials, volumes, tool servers. One
 * journal for each tenant.
 */
export interface TenantEvents {
  /** Make a change, and tell of it in the same transaction. When `change` answers false, nothing is told. */
  record(
    tenantId: string,
    events: readonly EventDraft[],
    change?: (within: Queryable) => Promise<boolean>,
  ): Promise<boolean>
  /** Tell of a change in the transaction that makes it. */
  add(tenantId: string, events: readonly EventDraft[], within: Queryable): Promise<void>
  /** Forget what is older than 90 days; the audit log keeps it as long as its own setting says. */
  sweep(): Promise<void>
}

const KEPT_MS = 90 * 86_400_000

export const tenantSubject = (tenantId: string): JournalSubject => ({
  kind: 'tenant',
  id: tenantId,
  tenantId,
  agentId: null,
})

export function createTenantEvents(deps: {
  journal: Journal<EventDraft>
  store: Pick<JournalStore, 'forget'>
  clock: Clock
}): TenantEvents {
  const { journal, store, clock } = deps
  return {
    record: (tenantId, events, change = async () => true) => journal.record(tenantSubject(tenantId), events, change),
    add: (tenantId, events, within) => journal.append(tenantSubject(tenantId), events, within),
    sweep: () => store.forget('tenant', microsOf(clock.now() - KEPT_MS)),
  }
}
