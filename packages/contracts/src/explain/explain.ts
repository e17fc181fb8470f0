import { type CompiledContract, type Fired, type SandboxSight, SKIPPED } from '../contracts/compiled.ts'
import { decidePre } from '../decide/pre.ts'
import type { CompiledExpression } from '../expressions/compile.ts'
import type { Evaluation } from '../expressions/evaluation.ts'
import { errorText, type Outcome, PolicyError } from '../expressions/outcome.ts'
import { type PastInput, pastOfMarks } from '../history/history.ts'
import type { Policy } from '../policy/policy.ts'
import { redactArgs } from '../redact/policy.ts'
import type { Counters, DecideContext, Envelope, Mode, PreDecision } from '../types.ts'

/** What one node of a condition said. `error` says why it could not be judged. */
export type ExplainedNode =
  | {
      readonly kind: 'all' | 'any' | 'not'
      readonly result: boolean | null
      readonly error: string | null
      readonly children: readonly ExplainedNode[]
    }
  | {
      readonly kind: 'leaf'
      readonly selector: string
      readonly operator: string
      readonly argument: unknown
      /** False when the value is missing or null. */
      readonly present: boolean
      /** The value seen, secrets hidden; null when it is absent or could not be read. */
      readonly value: unknown
      readonly result: boolean | null
      readonly error: string | null
    }

export interface ExplainedContract {
  readonly id: string
  readonly type: CompiledContract['type']
  readonly mode: Mode
  readonly effect: CompiledContract['effect']
  readonly candidate: boolean
  readonly fired: boolean
  readonly policyError: boolean
  readonly message: string | null
  readonly condition: ExplainedNode | null
  /** What must have come before, and what of it has; null when the contract asks for nothing. */
  readonly after: { readonly asked: Required<PastInput>; readonly found: Required<PastInput> } | null
  /** What the session is labelled with when it fires. */
  readonly label: string | null
  readonly sandbox: SandboxSight | null
  /** Limits a session contract fires at; null where it has none. */
  readonly limits: { readonly maxAttempts: number | null; readonly maxToolCalls: number | null } | null
}

export interface Explanation {
  readonly decision: PreDecision
  /** Every contract that concerns the call, whether or not the pipeline came that far, in the order it is walked. */
  readonly contracts: readonly ExplainedContract[]
}

/**
 * Why a call is decided as it is: every contract, every leaf of its condition, every value it saw. Built on the same compiled
 * conditions that decide. Values are redacted; nothing is cut short, so leaves the decision never reached are judged too.
 *
 * @param output the response, to explain post contracts as well
 */
export function explain(
  policy: Policy,
  envelope: Envelope,
  counters: Counters,
  context?: DecideContext,
  output?: unknown,
): Explanation {
  const decision = decidePre(policy, envelope, counters, context)
  const plan = policy.planFor(envelope.toolName)
  const evaluation = policy.evaluation(decidingView(policy, envelope, counters, context), counters, context)
  try {
    const contracts = [...plan.steps, ...plan.candidates].map((contract) => explainContract(contract, evaluation))
    if (output !== undefined && output !== null) {
      evaluation.forget()
      evaluation.inPost = true
      evaluation.response = output
      contracts.push(...[...plan.post, ...plan.postCandidates].map((contract) => explainContract(contract, evaluation)))
    }
    return { decision, contracts }
  } finally {
    evaluation.end()
  }
}

/** Of a call that is judged twice, the look that decides: with the command as one line where only that is objected to. */
function decidingView(
  policy: Policy,
  envelope: Envelope,
  counters: Counters,
  context: DecideContext | undefined,
): Envelope {
  const { joined } = envelope
  if (joined === null) return envelope
  const isAllowedAsIs = decidePre(policy, { ...envelope, joined: null }, counters, context).action === 'allow'
  return isAllowedAsIs ? joined : envelope
}

function explainContract(contract: CompiledContract, evaluation: Evaluation): ExplainedContract {
  const outcome = contract.evaluate(evaluation)
  const fired: Fired | null = outcome === SKIPPED || outcome instanceof Promise ? null : outcome
  const condition = contract.type === 'session' ? null : contract.condition
  return {
    id: contract.id,
    type: contract.type,
    mode: contract.mode,
    effect: contract.effect,
    candidate: contract.candidate,
    fired: fired !== null,
    policyError: fired?.policyError ?? false,
    message: fired?.message ?? null,
    condition: condition === null ? null : explainNode(condition, evaluation),
    after: afterOf(contract, evaluation),
    label: contract.type === 'post' && contract.mark !== null ? (pastOfMarks([contract.mark]).labels[0] ?? null) : null,
    sandbox: contract.type === 'sandbox' ? sightOf(contract.sight, evaluation) : null,
    limits:
      contract.type === 'session'
        ? { maxAttempts: finite(contract.maxAttempts), maxToolCalls: finite(contract.maxToolCalls) }
        : null,
  }
}

function afterOf(contract: CompiledContract, { counters }: Evaluation): ExplainedContract['after'] {
  if (contract.type !== 'pre' || contract.after === null) return null
  const { past } = counters
  const found = past === undefined ? [] : contract.asks.filter((mark) => past.has(mark))
  return {
    asked: { labels: [...contract.after.labels], tools: [...contract.after.tools] },
    found: pastOfMarks(found),
  }
}

function sightOf(
  sight: ((evaluation: Evaluation) => SandboxSight) | null,
  evaluation: Evaluation,
): SandboxSight | null {
  try {
    return sight?.(evaluation) ?? null
  } catch {
    return null
  }
}

function finite(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null
}

function explainNode(node: CompiledExpression, evaluation: Evaluation): ExplainedNode {
  const { result, error } = resultOf(() => node.test(evaluation))
  switch (node.kind) {
    case 'all':
    case 'any':
      return { kind: node.kind, result, error, children: node.children.map((child) => explainNode(child, evaluation)) }
    case 'not':
      return { kind: 'not', result, error, children: [explainNode(node.child, evaluation)] }
    case 'leaf': {
      const { selector, operator, value: argument } = node
      const value = valueSeen(evaluation, node.slot)
      return { kind: 'leaf', selector, operator, argument, ...value, result, error }
    }
  }
}

function resultOf(test: () => Outcome): { readonly result: boolean | null; readonly error: string | null } {
  try {
    const outcome = test()
    return outcome instanceof PolicyError ? { result: null, error: outcome.detail } : { result: outcome, error: null }
  } catch (error) {
    return { result: null, error: errorText(error) }
  }
}

function valueSeen(evaluation: Evaluation, slot: number): { readonly present: boolean; readonly value: unknown } {
  try {
    const value = evaluation.read(slot)
    return value === undefined ? { present: false, value: null } : { present: true, value: redactArgs(value) }
  } catch {
    return { present: true, value: null }
  }
}
