import { DomainError, Unavailable } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import { isDatabaseAway, type Queryable } from '../../storage/database.ts'
import { derivedId } from '../children/derived-id.ts'
import type { RunExecutions, RunRequest } from '../children/of-runs.ts'
import type { Execution } from '../record/execution.ts'
import type { RunRecord } from '../runs/run-record.ts'

/**
 * The id of what an entry of a run begins. It follows from both, and from what it is within the entry, so that whoever takes the run
 * over finds what there is.
 */
export const executionIdOf = (runId: string, entry: number, key: string): string =>
  derivedId(`workflow-run:${runId}:${entry}:${key}`)

/** What a state asks an agent. */
export type Question = Pick<RunRequest, 'agent' | 'input' | 'intent' | 'inputFor' | 'volumes'> & {
  /** Names the question within the entry of the state. */
  readonly key: string
  /** Seconds from the begin of the execution; it is cancelled when it takes longer. Without: as long as the state may take. */
  readonly seconds?: number
}

/** Agents that work for one entry of a run. */
export interface EntryAgents {
  /**
   * The execution when it has ended, however it ended; null when the state does not wait any more.
   * @throws DomainError for what the agent does not take, or an agent that there is not
   */
  ask(question: Question): Promise<Execution | null>
  /** As `ask`; with the reason in place of an execution that could not be begun or did not complete. */
  tryAsk(question: Question): Promise<Execution | string | null>
}

export function createEntryAgents(
  deps: { readonly executions: RunExecutions; readonly clock: Clock },
  run: Pick<RunRecord, 'id' | 'tenantId' | 'startedBy' | 'bound'>,
  options: {
    readonly entry: number
    readonly signal: AbortSignal
    /** Whether the state still waits, asked in the transaction that begins what ends with it. */
    readonly isWanted: (within: Queryable, id: string) => Promise<boolean>
  },
): EntryAgents {
  const { executions, clock } = deps
  const { entry, signal, isWanted } = options

  async function ask({ key, seconds, ...question }: Question): Promise<Execution | null> {
    const id = executionIdOf(run.id, entry, key)
    const request = { ...run, ...question, id, isWanted: (within: Queryable) => isWanted(within, id) }
    const begun = await executions.begin(request)
    if (begun === null) return null
    const left =
      seconds === undefined ? Number.POSITIVE_INFINITY : begun.startedAt / 1000 + seconds * 1000 - clock.now()
    const cancelTimer = clock.after(Math.max(0, left), () => {
      const reason = `It took longer than ${seconds} seconds.`
      // What could not be cancelled ends by its own time limit, or by that of the state.
      executions.cancel({ tenantId: run.tenantId, ids: [id] }, reason).catch(() => {})
    })
    try {
      return await executions.ended(begun, signal)
    } finally {
      cancelTimer()
    }
  }

  return {
    ask,
    async tryAsk(question) {
      try {
        const execution = await ask(question)
        if (execution === null || execution.status === 'completed') return execution
        return execution.error ?? `The execution was ${execution.status}.`
      } catch (error) {
        if (error instanceof DomainError && !(error instanceof Unavailable) && !isDatabaseAway(error))
          return error.message
        throw error
      }
    },
  }
}
