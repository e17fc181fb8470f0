import type { AgentState, WorkflowState } from '@lictor/aegis'
import { type OutputHandler, outputHandlerOf } from '../plan/output-handler.ts'
import type { Templates } from '../templates/renderer.ts'
import { isRecord } from './blackboard.ts'
import { failed, type Output, parsed, verdictOf } from './outputs.ts'
import type { Judged, Values, Work, WorkResult } from './run.ts'

/** Of what judges say of one execution, as the next is told it. */
const LONGEST_REASONING = 4_096

/** What judges make of a result. */
interface JudgedResult {
  readonly result: WorkResult
  /** Why it is not accepted; null of one that is, or that nobody judged. */
  readonly refusal: string | null
  readonly told: readonly { readonly event: string; readonly fields: Values }[]
}

/** The verdict about what a state has come to, with what there is to tell of how it came about. */
export function judged(state: WorkflowState, result: WorkResult): JudgedResult {
  if (result.kind === 'ParallelAgents') return { result, refusal: null, told: toldOf(result, 1, null) }
  if (state.kind !== 'Agent' || result.kind !== 'Agent' || !result.isSuccess || result.judged === undefined)
    return { result, refusal: null, told: [] }
  const verdict = verdictOf(result.judged.judgements, result.judged.failures)
  const { score, confidence } = verdict
  const told = toldOf(result.judged, result.iterations, verdict)
  if (verdict.isValid) return { result: { ...result, score, confidence }, refusal: null, told }
  const refusal = `Validation failed with score ${rounded(score)}.\n${verdict.reasoning.slice(0, LONGEST_REASONING)}`
  return { result: { ...result, score, confidence, isSuccess: false, error: refusal }, refusal, told }
}

function toldOf(
  { judgements }: Pick<Judged, 'judgements'>,
  iteration_number: number,
  verdict: { readonly score: number; readonly confidence: number } | null,
): JudgedResult['told'] {
  const each = judgements.map(({ agentId, score, confidence }) => ({
    event: 'gradient_validation_performed',
    fields: { agent_id: agentId, iteration_number, score, confidence },
  }))
  if (verdict === null || judgements.length < 2) return each
  const judge_scores = judgements.map(({ agentId, score }) => [agentId, score])
  const { score: final_score, confidence } = verdict
  return [
    ...each,
    { event: 'multi_judge_consensus', fields: { iteration_number, judge_scores, final_score, confidence } },
  ]
}

/** What the next execution is told beyond its input. */
export const noted = (before: string, refusal: string): string =>
  `${before}\n\n${refusal}\nRefine the answer so that it meets this.`

/** The handler that a state names, as its manifest has it. */
export const handlerOf = (state: WorkflowState): AgentState['output_handler'] =>
  'output_handler' in state ? state.output_handler : undefined

/**
 * What is asked of the handler of an accepted output. Its templates see the blackboard, `output` and `intent`.
 * @throws Error for a handler that this server has not, and for a broken template
 */
export function handedTo(state: WorkflowState, output: Output, view: Values, templates: Templates): Work {
  const handler = outputHandlerIn(state)
  if (handler === null) throw new Error('The state names no output handler.')
  const text = textOf(state, output)
  const template = handler.type === 'agent' ? handler.inputTemplate : handler.bodyTemplate
  const input =
    template === undefined ? text : templates.render(template, { ...view, output: text, intent: view.intent ?? '' })
  return { kind: 'Handler', handler, input }
}

/** @throws Error naming the field, for a handler that this server has not */
export function outputHandlerIn(state: WorkflowState): OutputHandler | null {
  const given = handlerOf(state)
  return outputHandlerOf({ output_handler: given } as Parameters<typeof outputHandlerOf>[0])
}

/** An agent's own output; of every other state its whole output as JSON. */
function textOf(state: WorkflowState, { value }: Output): string {
  const inner = state.kind === 'Agent' && isRecord(value) ? value.output : value
  return typeof inner === 'string' ? inner : JSON.stringify(inner)
}

/** What a handler answers is the output of an agent, and stands beside any other. */
export function handledBy(
  state: WorkflowState,
  output: Output,
  { output: text, error }: Extract<WorkResult, { kind: 'Handled' }>,
): Output {
  const value = isRecord(output.value) ? output.value : {}
  if (text === null)
    return outputHandlerIn(state)?.isRequired === true
      ? failed(`output_handler: ${error ?? 'no answer'}`, { handled: value })
      : output
  const key = state.kind === 'Agent' ? 'output' : 'handler_output'
  return { ...output, value: { ...value, [key]: parsed(text) } }
}

const rounded = (score: number): number => Math.round(score * 1000) / 1000
