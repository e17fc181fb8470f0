import {
  type BundleDocument,
  type CustomOperators,
  type CustomSelectors,
  compilePolicy,
  type LimitsInput,
  type Mode,
  type OperationLimits,
  type Policy,
  type ProgrammaticContract,
} from '@lictor/contracts'

/** Where a compiled state came from: enough to compile it again with other limits, or together with others. */
export interface StateSource {
  readonly document: BundleDocument | null
  readonly contracts: readonly ProgrammaticContract[]
  readonly limits: LimitsInput | undefined
  readonly operators: CustomOperators
  readonly selectors: CustomSelectors
  readonly resolvePath: ((path: string) => string) | null
}

/**
 * Everything a call is governed by, in one frozen value that a reload replaces by one assignment. A call takes it once
 * and keeps it to its end, so that no call is ever governed by two bundles.
 */
export interface GuardState {
  readonly policy: Policy
  readonly policyVersion: string | null
  readonly defaultMode: Mode
  readonly limits: OperationLimits
  /** Some check may answer later. */
  readonly asynchronous: boolean
  /** Some contract asks for what came before in the session. */
  readonly asksForPast: boolean
  /** Null for a policy that was compiled elsewhere. */
  readonly source: StateSource | null
}

export function compileState(source: StateSource, policyVersion: string | null): GuardState {
  const policy = compilePolicy(source.document, {
    version: policyVersion ?? '',
    operators: source.operators,
    selectors: source.selectors,
    contracts: source.contracts,
    ...(source.limits === undefined ? {} : { limits: source.limits }),
    ...(source.resolvePath === null ? {} : { resolvePath: source.resolvePath }),
  })
  return stateOf(policy, policyVersion, source)
}

export function stateOf(policy: Policy, policyVersion: string | null, source: StateSource | null = null): GuardState {
  return Object.freeze({
    policy,
    policyVersion,
    defaultMode: policy.defaultMode,
    limits: policy.limits,
    asynchronous: policy.contracts.some((contract) => contract.programmatic),
    asksForPast: policy.contracts.some(
      (contract) => (contract.type === 'pre' || contract.type === 'sandbox') && contract.asks.length > 0,
    ),
    source,
  })
}
