import type { JournalSubject } from '../../changes/journal/journal.ts'
import type { Queryable } from '../../storage/database.ts'
import type { RunEvent } from '../interpreter/run.ts'
import type { Pending, RunRecord } from './run-record.ts'

/** What happened while a state worked: an event without its entry and its instant, which the engine knows. */
export type Outcome = RunEvent extends infer Event
  ? Event extends { readonly entry: number }
    ? Omit<Event, 'entry' | 'step' | 'at'>
    : never
  : never

/**
 * Does the work of a state, and says how it ended. It may be asked for the same entry of a run again, by another server, after a
 * crash. Null: it ends otherwise, by an event that comes from elsewhere, or there is nothing to say before `again` is called: then
 * it is asked once more. What waits so holds nothing of the run in memory.
 */
export type Worker = (
  run: RunRecord,
  pending: Pending,
  options: { readonly signal: AbortSignal; readonly again: () => void },
) => Promise<Outcome | null>

/** What a run is started with. */
export type NewRun = Pick<RunRecord, 'id' | 'tenantId' | 'workflowId' | 'workflowName' | 'definition' | 'startedBy'> & {
  /** The state of another run that began it; null or absent of one that was started by somebody. */
  readonly parent?: RunRecord['parent']
  readonly depth?: number
  readonly bound?: RunRecord['bound']
} & Omit<Extract<RunEvent, { type: 'started' }>, 'type' | 'at' | 'runId' | 'tenantId'>

/** A run after an event, and why a signal was not kept, where it was one that was not. */
export interface Told {
  readonly run: RunRecord
  readonly refused: string | null
}

/**
 * Keeps runs of workflows going. Each event is taken in once, in a transaction with the state that it leads to and what is told of
 * it; only then is the work of the next state begun. A state that is under way when its server is gone is asked for again by exactly
 * one other. Wherever a run is kept, its record is a row of `workflow_runs`, its events are entries of its journal, and both are the
 * same. The behaviour suite of this port is `test/engine-behaviour.ts`.
 */
export interface Engine {
  /** `once` decides within the transaction whether the run is made: null when it made none, because it was asked for before. */
  start(
    run: NewRun,
    once?: (within: Queryable, make: () => Promise<void>) => Promise<boolean>,
  ): Promise<RunRecord | null>
  /** Take an event in: the run after it, null for a run that there is not. */
  tell(run: Pick<RunRecord, 'id' | 'tenantId'>, event: Exclude<RunEvent, { type: 'started' }>): Promise<Told | null>
  /** Take over what nobody works for. */
  sweep(): Promise<void>
  /** Say that what this server works for is alive. */
  beat(): Promise<void>
  /** Work for nothing any more; what is under way is asked for again by whoever takes it over. */
  stop(): Promise<void>
}

/** Whose journal a run has. */
export const subjectOf = ({ id, tenantId }: Pick<RunRecord, 'id' | 'tenantId'>): JournalSubject => ({
  kind: 'workflow',
  id,
  tenantId,
  agentId: null,
})
