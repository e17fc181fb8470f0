import { type Transition, workflowDefaults } from '@lictor/aegis'
import { evaluate, expressionOf, isTruthy } from '../templates/expression.ts'
import type { Templates } from '../templates/renderer.ts'
import { isRecord } from './blackboard.ts'
import type { Values } from './run.ts'

/** What the conditions of a state look at. */
export interface Facts {
  readonly output: unknown
  /** Counts where the output itself does not say whether it is a success. */
  readonly isSuccess: boolean
  /** `consensus.threshold` of the state. */
  readonly threshold: number | null
  /** What templates see. */
  readonly view: Values
}

const agreeing: readonly string[] = ['yes', 'y', '1', 'approve', 'approved', 'true']
const refusing: readonly string[] = ['no', 'n', '0', 'reject', 'rejected', 'false']

/** Whether a transition is to be taken. Source: AEGIS runtime reference, transitions. */
export function holds(transition: Transition, facts: Facts, templates: Templates): boolean {
  const { output } = facts
  const { threshold } = transition
  switch (transition.condition ?? 'always') {
    case 'always':
      return true
    case 'on_success':
      return outcomes(facts).success
    case 'on_failure':
      return outcomes(facts).failure
    case 'exit_code_zero':
      return exitOf(output) === 0
    case 'exit_code_non_zero': {
      const exit = exitOf(output)
      return exit !== null && exit !== 0
    }
    case 'exit_code':
      return exitOf(output) === transition.value
    case 'score_above':
      return scoreOf(output) > (threshold ?? 0)
    case 'score_below':
      return scoreOf(output) < (threshold ?? 1)
    case 'score_between':
      return scoreOf(output) >= (transition.min ?? 0) && scoreOf(output) <= (transition.max ?? 1)
    case 'confidence_above':
      return confidenceOf(output) > (threshold ?? 0)
    case 'score_and_confidence_above':
      return scoreOf(output) > (threshold ?? 0) && confidenceOf(output) > (threshold ?? 0)
    case 'consensus': {
      const score = numberAt(output, 'consensus', 'score')
      const confidence = numberAt(output, 'consensus', 'confidence')
      if (score === null || confidence === null) return false
      return score >= (threshold ?? 1) && confidence >= (transition.agreement ?? 1)
    }
    case 'all_approved': {
      const scores = individualScores(output)
      return scores.length > 0 && scores.every((score) => score >= approvalOf(transition, facts))
    }
    case 'any_rejected':
      return individualScores(output).some((score) => score < approvalOf(transition, facts))
    case 'input_equals':
      return responseOf(output) === transition.value
    case 'input_equals_yes':
    case 'approved':
      return agreeing.includes((responseOf(output) ?? '').trim().toLowerCase())
    case 'input_equals_no':
    case 'rejected':
      return refusing.includes((responseOf(output) ?? '').trim().toLowerCase())
    case 'custom':
      return isTrue(transition.expression ?? '', { ...facts.view, state_output: output }, templates)
  }
}

/** Of a state whose status and exit code contradict each other both are true: the order of the transitions decides. */
export function outcomes({ output, isSuccess }: Pick<Facts, 'output' | 'isSuccess'>): {
  success: boolean
  failure: boolean
} {
  const status = at(output, 'status')
  const exit = exitOf(output)
  const overall = at(output, 'overall_success')
  const success = status === 'completed' || status === 'success' || exit === 0 || overall === true
  const failure = status === 'failed' || status === 'error' || (exit !== null && exit !== 0) || overall === false
  if (success || failure || typeof status === 'string') return { success, failure }
  return { success: isSuccess, failure: !isSuccess }
}

const at = (value: unknown, ...steps: string[]): unknown =>
  steps.reduce<unknown>(
    (inner, step) => (isRecord(inner) && Object.hasOwn(inner, step) ? inner[step] : undefined),
    value,
  )

function numberAt(value: unknown, ...steps: string[]): number | null {
  const found = at(value, ...steps)
  return typeof found === 'number' ? found : null
}

const exitOf = (output: unknown): number | null =>
  numberAt(output, 'exit_code') ?? numberAt(output, 'output', 'exit_code')

const scoreOf = (output: unknown): number =>
  numberAt(output, 'score') ?? numberAt(output, 'final_score') ?? numberAt(output, 'consensus', 'score') ?? 0

const confidenceOf = (output: unknown): number =>
  numberAt(output, 'confidence') ?? numberAt(output, 'consensus', 'confidence') ?? 0

function individualScores(output: unknown): number[] {
  const scores = at(output, 'individual_scores')
  return Array.isArray(scores) ? scores.filter((score) => typeof score === 'number') : []
}

const approvalOf = ({ threshold }: Transition, facts: Facts): number =>
  threshold ?? facts.threshold ?? workflowDefaults.judgeThreshold

function responseOf(output: unknown): string | null {
  const response = at(output, 'response')
  return typeof response === 'string' ? response : null
}

/** An expression, or a template whose text counts as true unless it is empty or says no. What cannot be read does not hold. */
function isTrue(source: string, values: Values, templates: Templates): boolean {
  try {
    const expression = expressionOf(source)
    if (expression) return isTruthy(evaluate(expression, [values]))
    const text = templates.render(source, values).trim()
    return source.includes('{{') && !['', 'false', '0', 'null', 'undefined', 'NaN'].includes(text)
  } catch {
    return false
  }
}
