import type { Metrics } from '../../operations/metrics.ts'
import type { ExecutionSummary } from '../record/execution.ts'

/** What is counted of executions: that each began, and how it ended. */
export interface Tally {
  began(execution: Pick<ExecutionSummary, 'parentId'>): void
  /** @param how `completed`, `failed`, `cancelled`, `timed_out` */
  ended(
    execution: Pick<ExecutionSummary, 'parentId' | 'startedAt' | 'totalIterations'>,
    how: string,
    endedAt: number,
  ): void
}

export function createTally(
  metrics: Pick<Metrics, 'executions' | 'aegisExecutions' | 'aegisExecutionTime' | 'aegisIterations'>,
): Tally {
  return {
    began: (execution) => metrics.aegisExecutions.inc({ kind: kindOf(execution), status: 'started' }),
    ended({ parentId, startedAt, totalIterations }, how, endedAt) {
      metrics.executions.inc({ status: how })
      metrics.aegisExecutions.inc({ kind: kindOf({ parentId }), status: how })
      metrics.aegisExecutionTime.observe({ status: how }, (endedAt - startedAt) / 1_000_000)
      metrics.aegisIterations.inc(totalIterations)
    },
  }
}

const kindOf = ({ parentId }: Pick<ExecutionSummary, 'parentId'>): string => (parentId === null ? 'agent' : 'child')
