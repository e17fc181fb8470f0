import type { VolumeSpec } from '@lictor/aegis'
import { preValidatorOf } from '../interpreter/pre-validator.ts'
import type { Work } from '../interpreter/run.ts'
import type { Execution } from '../record/execution.ts'
import type { Outcome } from '../runs/engine.ts'
import type { EntryAgents } from './agents.ts'
import { askJudges, type JudgingView } from './judges.ts'

/**
 * One execution of an Agent state, and what its judges say of it. Whoever is asked again finds the executions that there are, and
 * goes on where they are.
 */
export async function workAgent(
  agents: EntryAgents,
  work: Extract<Work, { kind: 'Agent' }>,
  view: JudgingView,
  volumes: readonly VolumeSpec[],
): Promise<Outcome | null> {
  const { agent, input, intent, iteration, judges, state } = work
  const validator = iteration === 1 ? preValidatorOf(state.pre_execution_validator) : null
  if (validator !== null) {
    const asked = { agentId: validator.judge, inputTemplate: null, weight: 1 }
    const criteria = validator.criteria ?? intent ?? ''
    const judged = await askJudges(agents, 'pre', [asked], { content: input, criteria }, view, validator.seconds)
    if (judged === null) return null
    const problem = validator.objectionTo(judged)
    if (problem !== null)
      return {
        type: 'state_completed',
        result: { kind: 'Rejected', error: problem, score: judged.judgements[0]?.score ?? null },
      }
  }
  const execution = await agents.ask({ key: `agent:${iteration}`, agent, input, intent, volumes })
  if (execution === null) return null
  const result = resultOf(execution, iteration)
  if (!result.isSuccess || judges.length === 0) return { type: 'state_completed', result }
  const content = { content: result.output, criteria: intent ?? input }
  const judged = await askJudges(agents, `judge:${iteration}`, judges, content, view)
  return judged === null ? null : { type: 'state_completed', result: { ...result, judged } }
}

function resultOf({ id, status, output, error }: Execution, iterations: number) {
  const isSuccess = status === 'completed'
  return {
    kind: 'Agent',
    isSuccess,
    output: output ?? '',
    error: isSuccess ? null : (error ?? `The execution was ${status}.`),
    executionId: id,
    iterations,
    score: null,
    confidence: null,
  } as const
}
