import type { Micros } from '../../storage/instants.ts'
import { microsOf } from '../../storage/instants.ts'
import type { RunEvent, RunState, Step } from '../interpreter/run.ts'
import type { NewRun } from './engine.ts'
import type { Pending, RunRecord } from './run-record.ts'

/** The event that a run starts with, and its record before that, once the state is known that it leads to. */
export function opened(
  given: NewRun,
  owner: string,
  at: number,
): {
  readonly event: Extract<RunEvent, { type: 'started' }>
  readonly run: (state: RunState) => RunRecord
} {
  const { id, tenantId, workflowId, workflowName, definition, startedBy } = given
  const { parent = null, depth = 0, bound = null, input, intent, overrides, volumes } = given
  const now = microsOf(at)
  return {
    event: { type: 'started', at, runId: id, tenantId, input, intent, overrides, volumes },
    run: (state) => ({
      ...{ id, tenantId, workflowId, workflowName, definition, startedBy, parent, depth, bound, input },
      ...{ startedAt: now, enteredAt: now, heartbeatAt: now, updatedAt: now, endedAt: null },
      // Before its first state was entered: whatever that asks for is new.
      ...{ state: { ...state, entry: -1 }, sequence: 0, pending: null, dueAt: null, owner, generation: 0 },
    }),
  }
}

/** The run after an event, with its place in the log. */
export function after(run: RunRecord, { state, commands }: Step, at: Micros): RunRecord {
  const asked = commands.findLast((command): command is Pending => command.type === 'work')
  const isAsked = asked !== undefined && asked.entry === state.entry && state.status === 'running'
  const stays = run.state.entry === state.entry && state.status === 'running'
  // A state has one time for all that it asks for.
  const isFresh = isAsked && !stays
  const isIn = run.state.entry === state.entry && run.state.status === state.status
  return {
    ...run,
    state,
    sequence: run.sequence + 1,
    pending: isAsked ? asked : stays ? run.pending : null,
    dueAt: isFresh ? ((at + asked.timeoutSeconds * 1_000_000) as Micros) : stays ? run.dueAt : null,
    enteredAt: isIn ? run.enteredAt : at,
    updatedAt: at,
    endedAt: state.status === 'running' ? null : at,
  }
}
