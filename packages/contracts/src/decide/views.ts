import type { ContractRecord, ObserveResult, PreDecision } from '../types.ts'

/**
 * One decision of two looks at a call: as its arguments stand, and with its command as one line. The first that denies
 * wins, then the first that asks; what fired in either is told.
 */
export function mergedDecision(asIs: PreDecision, joined: PreDecision): PreDecision {
  if (asIs.action === 'deny') return asIs
  if (joined.action === 'deny') return joined
  const leading = asIs.action === 'allow' ? joined : asIs
  return {
    ...leading,
    contractsEvaluated: firedFirst<ContractRecord>(asIs.contractsEvaluated, joined.contractsEvaluated),
    observeResults: firedFirst<ObserveResult>(asIs.observeResults, joined.observeResults),
    observed: asIs.observed || joined.observed,
    policyError: asIs.policyError || joined.policyError,
  }
}

/** The records of the first look, each replaced by that of the second where the contract fired only there. */
function firedFirst<Told extends { readonly name: string; readonly passed: boolean }>(
  first: readonly Told[],
  second: readonly Told[],
): readonly Told[] {
  const fired = second.filter(({ passed }) => !passed)
  if (fired.length === 0) return first
  const told = new Set(first.map(({ name }) => name))
  const replaced = first.map((record) =>
    record.passed ? (fired.find(({ name }) => name === record.name) ?? record) : record,
  )
  return [...replaced, ...fired.filter(({ name }) => !told.has(name))]
}
