import { DEFAULT_TIMEOUT } from '../bounds.ts'
import type { CompiledGate, CompiledPost, CompiledSession, CompiledStep } from '../contracts/compiled.ts'
import type { Mark } from '../history/history.ts'
import type { ContractRecord, PostDecision, PreDecision } from '../types.ts'

/** Everything a policy has to say about one tool, with the decisions that need no thinking made in advance. */
export interface ToolPlan {
  /** Pre contracts, then sandboxes, then session contracts, each in bundle order. */
  readonly steps: readonly CompiledStep[]
  readonly gates: readonly CompiledGate[]
  readonly post: readonly CompiledPost[]
  /** Contracts of `observe_alongside` layers, in the same order. */
  readonly candidates: readonly CompiledStep[]
  readonly postCandidates: readonly CompiledPost[]
  /** What its contracts ask of the session's past, each once; empty for nearly every tool. */
  readonly marks: readonly Mark[]
  /** Enforced limit of executions of this tool, or null. */
  readonly toolLimit: number | null
  /** The records of all steps when every one passes. */
  readonly passed: readonly ContractRecord[]
  readonly allowed: PreDecision
  readonly postPassed: readonly ContractRecord[]
  readonly succeeded: PostDecision
  readonly failed: PostDecision
}

export interface PlanParts {
  readonly gates: readonly CompiledGate[]
  readonly sessions: readonly CompiledSession[]
  readonly post: readonly CompiledPost[]
  readonly candidates: readonly CompiledStep[]
  readonly postCandidates: readonly CompiledPost[]
  readonly toolLimit: number | null
}

export function createPlan(parts: PlanParts): ToolPlan {
  const gates = [...parts.gates].sort(preBeforeSandbox)
  const steps: readonly CompiledStep[] = [...gates, ...parts.sessions]
  const passed = Object.freeze(steps.map((step) => step.passed))
  const postPassed = Object.freeze([...parts.post, ...parts.postCandidates].map((contract) => contract.passed))
  return {
    steps,
    gates,
    post: parts.post,
    candidates: parts.candidates,
    postCandidates: parts.postCandidates,
    marks: marksOf(steps, parts.candidates),
    toolLimit: parts.toolLimit,
    passed,
    allowed: Object.freeze({ ...ALLOWED, contractsEvaluated: passed }),
    postPassed,
    succeeded: Object.freeze({ ...POST_PASSED, contractsEvaluated: postPassed }),
    failed: Object.freeze({ ...POST_PASSED, toolSuccess: false, contractsEvaluated: postPassed }),
  }
}

function marksOf(...steps: (readonly CompiledStep[])[]): readonly Mark[] {
  const asked = steps.flat().flatMap((step) => (step.type === 'session' ? [] : step.asks))
  return Object.freeze([...new Set(asked)])
}

/** Sorting is stable, so each kind keeps its bundle order. */
function preBeforeSandbox(a: CompiledGate, b: CompiledGate): number {
  return Number(a.type === 'sandbox') - Number(b.type === 'sandbox')
}

/** The decision of a call nothing objects to. */
export const ALLOWED: PreDecision = Object.freeze({
  action: 'allow',
  reason: null,
  decisionSource: null,
  decisionName: null,
  contractsEvaluated: Object.freeze([]),
  observed: false,
  policyError: false,
  observeResults: Object.freeze([]),
  approvalTimeout: DEFAULT_TIMEOUT,
  approvalTimeoutEffect: 'deny',
  approvalMessage: null,
})

const POST_PASSED: PostDecision = Object.freeze({
  toolSuccess: true,
  postconditionsPassed: true,
  warnings: Object.freeze([]),
  contractsEvaluated: Object.freeze([]),
  policyError: false,
  redactedResponse: null,
  replacement: null,
  outputSuppressed: false,
  marks: Object.freeze([]),
})
