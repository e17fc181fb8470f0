import type { CompiledExpression } from '../expressions/compile.ts'
import type { Evaluation } from '../expressions/evaluation.ts'
import { errorText, PolicyError } from '../expressions/outcome.ts'
import type { Mark } from '../history/history.ts'
import type { MessageMaker } from '../messages/template.ts'
import { withDatesAsText } from '../plain/dates.ts'
import type { Fired } from './compiled.ts'

/** Keys of `then.metadata` that would clash with what a verdict itself carries; they are dropped. */
const RESERVED: readonly string[] = ['tags', 'message', 'policy_error', 'error_detail']

/** Metadata of every firing of a contract. */
export function verdictMetadata(
  tags: readonly string[],
  metadata: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const own = Object.entries(metadata)
    .filter(([key]) => !RESERVED.includes(key))
    .map(([key, value]) => [key, withDatesAsText(value)])
  return Object.freeze(Object.fromEntries([['tags', tags], ...own]))
}

/** The evaluation of a contract with a condition: it fires when the condition holds or cannot be judged. */
export function conditionVerdict(
  condition: CompiledExpression,
  message: MessageMaker,
  metadata: Readonly<Record<string, unknown>>,
): (evaluation: Evaluation) => Fired | null {
  const { test } = condition
  return (evaluation) => {
    let detail: string
    try {
      const outcome = test(evaluation)
      if (outcome === false) return null
      if (outcome === true) return { message: message(evaluation), metadata, policyError: false }
      detail = outcome instanceof PolicyError ? outcome.detail : 'the condition gave no answer'
    } catch (error) {
      detail = errorText(error)
    }
    return unjudged(message(evaluation), metadata, detail)
  }
}

/**
 * The evaluation of a contract that concerns only sessions in which something came before. Where nobody read what came before,
 * it cannot be judged, and fires.
 */
export function afterVerdict(
  asks: readonly Mark[],
  verdict: (evaluation: Evaluation) => Fired | null,
): (evaluation: Evaluation) => Fired | null {
  return (evaluation) => {
    const { past } = evaluation.counters
    if (past !== undefined) return asks.some((mark) => past.has(mark)) ? verdict(evaluation) : null
    const fired = verdict(evaluation)
    return fired && unjudged(fired.message, fired.metadata, 'what came before in the session was not read')
  }
}

/** The verdict of a contract that could not be judged. */
export function unjudged(message: string, metadata: Readonly<Record<string, unknown>> | null, detail: string): Fired {
  return { message, metadata: { ...metadata, policy_error: true, error_detail: detail }, policyError: true }
}
