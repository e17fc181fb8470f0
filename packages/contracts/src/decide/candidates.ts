import { type CompiledStep, SKIPPED } from '../contracts/compiled.ts'
import type { Evaluation } from '../expressions/evaluation.ts'
import type { ObserveResult } from '../types.ts'

/** What the contracts of `observe_alongside` layers would have said of an allowed call. */
export function judgeCandidates(candidates: readonly CompiledStep[], evaluation: Evaluation): readonly ObserveResult[] {
  const results: ObserveResult[] = []
  for (const step of candidates) {
    const outcome = step.evaluate(evaluation)
    if (outcome === SKIPPED || outcome instanceof Promise) continue
    results.push({
      name: step.id,
      type: step.recordType,
      passed: outcome === null,
      message: outcome === null ? null : outcome.message,
      source: candidateSource(step),
    })
  }
  return results
}

function candidateSource(step: CompiledStep): ObserveResult['source'] {
  switch (step.type) {
    case 'pre':
      return 'yaml_precondition'
    case 'sandbox':
      return 'yaml_sandbox'
    case 'session':
      return 'yaml_session'
  }
}
