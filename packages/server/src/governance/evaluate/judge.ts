import {
  compilePolicy,
  createEnvelope,
  decidePre,
  dryRun,
  EdictumConfigError,
  type LoadedBundle,
  loadBundle,
  marksOfPast,
  type PastInput,
  type PreDecision,
} from '@lictor/contracts'

/** A call to try against a bundle. */
export interface TrialCall {
  readonly yaml: string
  readonly toolName: string
  readonly toolArgs: Readonly<Record<string, unknown>>
  readonly environment: string
  readonly principal: {
    readonly userId?: string
    readonly role?: string
    readonly claims?: Readonly<Record<string, unknown>>
  } | null
  /** What came before in the session. */
  readonly after?: PastInput
}

export interface TrialContract {
  readonly id: string
  readonly type: string
  /** False means that the contract fired. */
  readonly passed: boolean
  readonly effect: string
  readonly message: string | null
  readonly observed: boolean
  readonly tags: readonly string[]
  readonly policyError: boolean
}

export type TrialOutcome =
  | {
      readonly kind: 'judged'
      readonly verdict: string
      readonly mode: string
      readonly contracts: readonly TrialContract[]
      readonly decidingContract: string | null
      /** Hex SHA-256 of the text. */
      readonly hash: string
      /** What a guard would do with the call as the first of its session. */
      readonly decision: Pick<PreDecision, 'action' | 'decisionName' | 'decisionSource' | 'reason'>
      /** Contracts a call alone says nothing about. */
      readonly skipped: { readonly post: number; readonly session: number }
      readonly milliseconds: number
    }
  | { readonly kind: 'too_many_contracts'; readonly count: number }
  | { readonly kind: 'invalid'; readonly message: string }

const MOST_CONTRACTS = 100

/** Judge one call by one bundle, without stopping at the first contract that fires. */
export function judgeTrial(call: TrialCall, now: () => number): TrialOutcome {
  const started = now()
  try {
    const bundle = loadBundle(call.yaml)
    const { contracts } = bundle.document
    if (contracts.length > MOST_CONTRACTS) return { kind: 'too_many_contracts', count: contracts.length }
    return { ...judge(call, bundle), milliseconds: now() - started }
  } catch (error) {
    if (!(error instanceof EdictumConfigError)) throw error
    const more = error.issues.length - 1
    return { kind: 'invalid', message: more > 0 ? `${error.message} (and ${more} more)` : error.message }
  }
}

function judge(call: TrialCall, bundle: LoadedBundle) {
  const { toolName, toolArgs: args, environment, principal, after = {} } = call
  const policy = compilePolicy(bundle.document, { version: bundle.hash })
  const result = dryRun(policy, { toolName, args, environment, principal, after })
  const deciding = result.contracts.find((contract) => !contract.passed && !contract.observed)
  const envelope = createEnvelope(toolName, args, { environment, principal })
  const { action, decisionName, decisionSource, reason } = decidePre(policy, envelope, {
    ...NO_CALLS_YET,
    past: marksOfPast(after),
  })
  const countOf = (type: string) => bundle.document.contracts.filter((contract) => contract.type === type).length
  return {
    kind: 'judged',
    verdict: result.verdict,
    mode: policy.defaultMode,
    contracts: result.contracts.map(({ contractId, contractType, ...contract }) => ({
      id: contractId,
      type: contractType,
      ...contract,
    })),
    decidingContract: deciding?.contractId ?? null,
    hash: bundle.hash,
    decision: { action, decisionName, decisionSource, reason },
    skipped: { post: countOf('post'), session: countOf('session') },
  } as const
}

const NO_CALLS_YET = { attempts: 0, executions: 0, toolExecutions: 0 }
