import { createHash } from 'node:crypto'
import type { Queryable } from '../../storage/database.ts'
import type { RunExecutions } from '../children/of-runs.ts'
import type { Work } from '../interpreter/run.ts'
import type { Execution } from '../record/execution.ts'
import type { Outcome } from './engine.ts'
import type { RunRecord } from './run-record.ts'

/**
 * The id of the execution that an entry of a run begins. It follows from both, so that whoever takes the run over finds the
 * execution that there is, and whoever cancels it knows which to end.
 */
export function executionIdOf(runId: string, entry: number): string {
  const hex = createHash('sha256').update(`workflow-run:${runId}:${entry}`).digest('hex')
  // A UUID of version 8: one that somebody made up.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Begin the execution of an Agent state, or find it, and wait for its end. */
export async function workAgent(
  executions: RunExecutions,
  run: Pick<RunRecord, 'id' | 'tenantId' | 'startedBy'>,
  { entry, work }: { readonly entry: number; readonly work: Extract<Work, { kind: 'Agent' }> },
  options: { readonly signal: AbortSignal; readonly isWanted: (within: Queryable) => Promise<boolean> },
): Promise<Outcome | null> {
  const { signal, isWanted } = options
  const { agent, input, intent } = work
  const id = executionIdOf(run.id, entry)
  const begun = await executions.begin({ ...run, id, agent, input, intent, isWanted })
  if (begun === null) return null
  return completed(await executions.ended(begun, signal))
}

function completed({ id, status, output, error }: Execution): Outcome {
  const isSuccess = status === 'completed'
  const why = error ?? `The execution was ${status}.`
  return {
    type: 'state_completed',
    result: {
      kind: 'Agent',
      isSuccess,
      output: output ?? '',
      error: isSuccess ? null : why,
      executionId: id,
      iterations: 1,
      score: null,
      confidence: null,
    },
  }
}
