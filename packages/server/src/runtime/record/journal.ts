import type { Journal, JournalSubject } from '../../changes/journal/journal.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { EventDraft } from './events.ts'
import type { Execution, ExecutionChange } from './execution.ts'
import type { ExecutionStore } from './store.ts'

/** With a generation: only as long as the execution is of it, which is how the server that runs it speaks. */
type Recorded = Pick<Execution, 'id' | 'tenantId' | 'agentId'> & { readonly generation?: number }

/**
 * The journal of executions. Nothing is recorded of one that has ended: its last event is the one that ended it. Nor does a server
 * record anything that has been taken for dead, once another has taken the execution over.
 */
export interface ExecutionJournal {
  /** Append events. False, and nothing appended, when the execution has ended. */
  record(
    execution: Recorded,
    events: readonly EventDraft[],
    alongside?: (within: Queryable) => Promise<void>,
  ): Promise<boolean>
  /**
   * Change the execution if it has not ended, and append events. False when it had. With `isAhead` a later change is what is waited
   * for: see `Database.ahead`.
   */
  change(
    execution: Recorded,
    change: ExecutionChange,
    events: readonly EventDraft[],
    alongside?: (within: Queryable) => Promise<void>,
    options?: { readonly isAhead: boolean },
  ): Promise<boolean>
  /** Make an execution, with its first events. False, and nothing appended, when `create` made none. */
  open(
    execution: Recorded,
    create: (within: Queryable) => Promise<boolean>,
    events: readonly EventDraft[],
  ): Promise<boolean>
}

/** The execution as anybody may change it, whoever runs it. */
export const ofAnybody = ({ id, tenantId, agentId }: Recorded): Recorded => ({ id, tenantId, agentId })

export const subjectOf = ({ id, tenantId, agentId }: Recorded): JournalSubject => ({
  kind: 'execution',
  id,
  tenantId,
  agentId,
})

export function createExecutionJournal(deps: {
  journal: Journal<EventDraft>
  store: Pick<ExecutionStore, 'update'>
  clock: Clock
}): ExecutionJournal {
  const { journal, store, clock } = deps
  const change: ExecutionJournal['change'] = (execution, fields, events, alongside, options) =>
    journal.record(
      subjectOf(execution),
      events,
      async (within) => {
        const updated = { ...fields, updatedAt: microsOf(clock.now()) }
        if (!(await store.update(execution.id, updated, within, execution.generation))) return false
        await alongside?.(within)
        return true
      },
      options,
    )
  return {
    change,
    // Writing the row as well is what orders this against the transaction that ends the execution.
    record: (execution, events, alongside) => change(execution, {}, events, alongside),
    open: (execution, create, events) => journal.record(subjectOf(execution), events, create),
  }
}
