import type { Journal, JournalSubject } from '../../changes/journal/journal.ts'
import type { JournalStore } from '../../changes/journal/store.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { EventDraft } from './events.ts'
import { subjectOf } from './journal.ts'
import type { ExecutionStore } from './store.ts'

/** Whom something concerns that may happen within an execution, to an agent, or to neither. */
export interface Concerned {
  readonly tenantId: string
  readonly agentId: string | null
  /** An execution that goes on is told in its own stream; of one that is over, or is none of this server's, the tenant is told. */
  readonly executionId: string | null
}

/**
 * What happens to things of a tenant that belong to no execution: secrets, credentials, volumes, tool servers, sessions of SEAL.
 * One journal for each tenant. What concerns an agent is in that agent's stream as well.
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
  /** Make a change, and tell of it where it belongs, in the same transaction; what it made. */
  tell<T>(
    concerned: Concerned,
    change: (within: Queryable) => Promise<{ readonly made: T; readonly events: readonly EventDraft[] }>,
  ): Promise<T>
  /** Forget what is older than 90 days; the audit log keeps it as long as its own setting says. */
  sweep(): Promise<void>
}

const KEPT_MS = 90 * 86_400_000
/** Entries that one statement writes. */
const AT_ONCE = 500

export const tenantSubject = (tenantId: string, agentId: string | null = null): JournalSubject => ({
  kind: 'tenant',
  id: tenantId,
  tenantId,
  agentId,
})

export function createTenantEvents(deps: {
  journal: Journal<EventDraft>
  store: Pick<JournalStore, 'forget'>
  executionStore: Pick<ExecutionStore, 'find' | 'update'>
  clock: Clock
}): TenantEvents {
  const { journal, store, executionStore, clock } = deps
  return {
    record: (tenantId, events, change = async () => true) => journal.record(tenantSubject(tenantId), events, change),
    async add(tenantId, events, within) {
      for (let first = 0; first < events.length; first += AT_ONCE)
        await journal.append(tenantSubject(tenantId), events.slice(first, first + AT_ONCE), within)
    },
    async tell({ tenantId, agentId, executionId }, change) {
      const execution =
        executionId === null ? null : await executionStore.find(scopeOfRecord({ tenantId }), executionId)
      return journal.write(async (within) => {
        const { made, events } = await change(within)
        // Writing the row as well is what orders this against the transaction that ends the execution.
        const goesOn =
          execution !== null &&
          (await executionStore.update(execution.id, { updatedAt: microsOf(clock.now()) }, within))
        return { made, events, subject: goesOn ? subjectOf(execution) : tenantSubject(tenantId, agentId) }
      })
    },
    sweep: () => store.forget('tenant', microsOf(clock.now() - KEPT_MS)),
  }
}
