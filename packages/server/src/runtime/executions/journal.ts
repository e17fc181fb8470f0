import type { Bus } from '../../ports/bus.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { type EventDraft, envelopeOf } from './events.ts'
import type { ExecutionStore } from './store.ts'

export const EXECUTION_TOPIC = 'execution'

/** Whose events: the execution, with what its events carry. */
export interface Subject {
  readonly id: string
  readonly tenant_id: string
  readonly agent_id: string
}

/**
 * The record of what happens in executions. A change and the events that tell of it are one transaction; after it, every
 * stream is told to look. Nothing is recorded of an execution that has ended: its last event is the one that ended it.
 */
export interface Journal {
  /** Append events. False, and nothing appended, when the execution has ended. */
  record(
    subject: Subject,
    events: readonly EventDraft[],
    alongside?: (within: Queryable) => Promise<void>,
  ): Promise<boolean>
  /** Change the execution if it has not ended, and append events. False when it had. */
  change(
    subject: Subject,
    change: Parameters<ExecutionStore['update']>[1],
    events: readonly EventDraft[],
    alongside?: (within: Queryable) => Promise<void>,
  ): Promise<boolean>
  /** Insert what `create` inserts, and append events. */
  open(subject: Subject, create: (within: Queryable) => Promise<void>, events: readonly EventDraft[]): Promise<void>
}

export function journal(deps: {
  database: Database
  store: ExecutionStore
  bus: Bus
  clock: Clock
  onPublishError: (error: unknown) => void
}): Journal {
  const { database, store, bus, clock, onPublishError } = deps

  async function append(subject: Subject, events: readonly EventDraft[], within: Queryable): Promise<void> {
    if (events.length === 0) return
    const at = microsOf(clock.now())
    const first = await store.nextSequence(subject.id, subject.agent_id, within)
    await store.insertEvents(
      events.map((event, index) => {
        const sequence = first + index
        return {
          execution_id: subject.id,
          sequence,
          tenant_id: subject.tenant_id,
          agent_id: subject.agent_id,
          type: event.type,
          data: JSON.stringify(envelopeOf(event, { executionId: subject.id, agentId: subject.agent_id, sequence, at })),
          created_at: at,
        }
      }),
      within,
    )
  }

  async function announce(subject: Subject): Promise<void> {
    await bus
      .publish(EXECUTION_TOPIC, { executionId: subject.id, agentId: subject.agent_id, tenantId: subject.tenant_id })
      .catch(onPublishError)
  }

  async function change(
    subject: Subject,
    fields: Parameters<ExecutionStore['update']>[1],
    events: readonly EventDraft[],
    alongside?: (within: Queryable) => Promise<void>,
  ): Promise<boolean> {
    const changed = await database.db.transaction().execute(async (within) => {
      const hadNotEnded = await store.update(subject.id, { ...fields, updated_at: microsOf(clock.now()) }, within)
      if (!hadNotEnded) return false
      await alongside?.(within)
      await append(subject, events, within)
      return true
    })
    if (changed && events.length > 0) await announce(subject)
    return changed
  }

  return {
    change,
    // Writing the row as well is what orders this against the transaction that ends the execution.
    record: (subject, events, alongside) => change(subject, {}, events, alongside),
    async open(subject, create, events) {
      await database.db.transaction().execute(async (within) => {
        await create(within)
        await append(subject, events, within)
      })
      await announce(subject)
    },
  }
}
