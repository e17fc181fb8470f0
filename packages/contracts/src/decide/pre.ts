import {
  type CompiledGate,
  type CompiledStep,
  type ContractOutcome,
  type Fired,
  firedRecord,
  SKIPPED,
} from '../contracts/compiled.ts'
import { unjudged } from '../contracts/verdict.ts'
import type { Evaluation } from '../expressions/evaluation.ts'
import { ALLOWED, type ToolPlan } from '../policy/plan.ts'
import type { Policy } from '../policy/policy.ts'
import type { ContractRecord, Counters, DecideContext, Envelope, PreDecision } from '../types.ts'
import { BASH_COMMAND, unreadableBashCommand } from './bash-command.ts'
import { judgeCandidates } from './candidates.ts'
import { checkAttemptLimit, checkExecutionLimits, limitReached } from './limits.ts'
import { mergedDecision } from './views.ts'

/** Verdicts of programmatic contracts that were awaited, so that the pipeline can be walked again with them. */
export type SettledVerdicts = Map<CompiledStep, Fired | null | typeof SKIPPED>

/** The pipeline stopped at an asynchronous check. */
export class Awaiting {
  readonly step: CompiledStep
  readonly verdict: Promise<Fired | null>

  constructor(step: CompiledStep, verdict: Promise<Fired | null>) {
    this.step = step
    this.verdict = verdict
  }
}

/**
 * Decides whether a call may run: the attempt limit, a `Bash` command that is no text (denied), pre contracts, sandboxes, session contracts and limits, and last the
 * question to a human. Before-hooks are the caller's. Everything that can deny is judged before a human is asked: an `approve`
 * is remembered, the first denial wins over it, and only if nothing denies the decision is `pending_approval` for the first
 * approving contract.
 *
 * Pure and synchronous. Never throws: a contract that cannot be judged fires. A programmatic contract with an asynchronous
 * check cannot be judged here; use `decidePreAsync`.
 */
export function decidePre(
  policy: Policy,
  envelope: Envelope,
  counters: Counters,
  context?: DecideContext,
): PreDecision {
  const asIs = decideView(policy, envelope, counters, context)
  if (envelope.joined === null || asIs.action === 'deny') return asIs
  return mergedDecision(asIs, decideView(policy, envelope.joined, counters, context))
}

function decideView(
  policy: Policy,
  envelope: Envelope,
  counters: Counters,
  context: DecideContext | undefined,
): PreDecision {
  const decision = walkPre(policy, envelope, counters, context, null)
  if (!(decision instanceof Awaiting)) return decision
  const { message } = cannotWait(decision.step)
  return limitReached(decision.step.source, decision.step.id, message, [], true)
}

/** As `decidePre`, awaiting asynchronous programmatic checks one after the other, in order. Never rejects. */
export async function decidePreAsync(
  policy: Policy,
  envelope: Envelope,
  counters: Counters,
  context?: DecideContext,
): Promise<PreDecision> {
  const settled: SettledVerdicts = new Map()
  const asIs = await decideViewAsync(policy, envelope, counters, context, settled)
  if (envelope.joined === null || asIs.action === 'deny') return asIs
  // Session contracts do not look at the arguments: what they said stands.
  const sessions = new Map([...settled].filter(([{ type }]) => type === 'session'))
  return mergedDecision(asIs, await decideViewAsync(policy, envelope.joined, counters, context, sessions))
}

async function decideViewAsync(
  policy: Policy,
  envelope: Envelope,
  counters: Counters,
  context: DecideContext | undefined,
  settled: SettledVerdicts,
): Promise<PreDecision> {
  for (;;) {
    const decision = walkPre(policy, envelope, counters, context, settled)
    if (!(decision instanceof Awaiting)) return decision
    settled.set(decision.step, await decision.verdict)
  }
}

function walkPre(
  policy: Policy,
  envelope: Envelope,
  counters: Counters,
  context: DecideContext | undefined,
  settled: SettledVerdicts | null,
): PreDecision | Awaiting {
  if (counters.attempts >= policy.limits.maxAttempts) return checkAttemptLimit(policy, counters) ?? ALLOWED
  const unreadable = unreadableBashCommand(envelope)
  if (unreadable !== null) return limitReached(BASH_COMMAND.source, BASH_COMMAND.name, unreadable, [], true)
  const plan = policy.planFor(envelope.toolName)
  const evaluation = policy.evaluation(envelope, counters, context)
  try {
    return walkSteps(policy, plan, evaluation, settled)
  } finally {
    evaluation.end()
  }
}

function walkSteps(
  policy: Policy,
  plan: ToolPlan,
  evaluation: Evaluation,
  settled: SettledVerdicts | null,
): PreDecision | Awaiting {
  const { steps } = plan
  const { counters, envelope } = evaluation
  // Nothing is allocated until a contract fires: the records of the passing ones lie ready in the plan.
  let findings: Findings | null = null
  for (let from = 0; ; ) {
    const at = nextOutcome(steps, from, evaluation, settled)
    if (findings !== null) for (let i = from; i < at; i++) findings.records.push((steps[i] as CompiledStep).passed)
    const step = steps[at]
    if (step === undefined) break
    from = at + 1
    const { outcome } = evaluation
    if (outcome instanceof Promise && settled !== null) return new Awaiting(step, outcome)
    findings ??= new Findings(plan.passed.slice(0, at), evaluation.context.approved)
    if (outcome === null || outcome === SKIPPED) continue
    const denial = findings.take(step, outcome instanceof Promise ? cannotWait(step) : outcome)
    if (denial !== null) return denial
  }
  const limit = checkExecutionLimits(policy, envelope.toolName, plan.toolLimit, counters)
  if (limit !== null) {
    const records = findings === null ? plan.passed : findings.records
    return limitReached('operation_limit', limit.name, limit.reason, records, findings?.policyError ?? false)
  }
  if (findings?.approval) return findings.pending()
  if (plan.candidates.length === 0) return findings === null ? plan.allowed : findings.allowed([])
  const observeResults = judgeCandidates(plan.candidates, evaluation)
  return findings === null ? { ...plan.allowed, observeResults } : findings.allowed(observeResults)
}

/**
 * The position of the first step from `from` on that does not simply pass, its outcome left in the evaluation; the number of
 * steps when all pass. A function of its own, because an engine that compiles a long loop while it runs has not yet seen
 * what follows it, and throws the compiled code away when it gets there.
 */
function nextOutcome(
  steps: readonly CompiledStep[],
  from: number,
  evaluation: Evaluation,
  settled: SettledVerdicts | null,
): number {
  for (let i = from; i < steps.length; i++) {
    const step = steps[i] as CompiledStep
    const outcome = settled === null ? step.evaluate(evaluation) : settle(step, evaluation, settled)
    if (outcome !== null) {
      evaluation.outcome = outcome
      return i
    }
  }
  return steps.length
}

/** A programmatic contract is asked once per call, however often the pipeline is walked. */
function settle(step: CompiledStep, evaluation: Evaluation, settled: SettledVerdicts): ContractOutcome {
  if (!step.programmatic) return step.evaluate(evaluation)
  const known = settled.get(step)
  if (known !== undefined) return known
  const outcome = step.evaluate(evaluation)
  if (!(outcome instanceof Promise)) settled.set(step, outcome)
  return outcome
}

function cannotWait(step: CompiledStep): Fired {
  const detail = `the check of '${step.id}' is asynchronous and was judged synchronously`
  return unjudged(`${step.type === 'session' ? 'Session contract' : 'Precondition'} error: ${detail}`, null, detail)
}

/** What has come to light once a contract has fired. */
class Findings {
  readonly records: ContractRecord[]
  observed = false
  policyError = false
  approval: { readonly gate: CompiledGate; readonly message: string } | null = null
  readonly #approved: ReadonlySet<string> | undefined

  constructor(passed: ContractRecord[], approved: ReadonlySet<string> | undefined) {
    this.records = passed
    this.#approved = approved
  }

  /** Notes a firing; returns the denial when it ends the matter. */
  take(step: CompiledStep, fired: Fired): PreDecision | null {
    const observed = step.mode === 'observe'
    this.records.push(firedRecord(step.id, step.recordType, fired, observed))
    if (fired.policyError) this.policyError = true
    if (observed) {
      this.observed = true
      return null
    }
    if (step.type !== 'session' && step.effect === 'approve') {
      if (!this.#approved?.has(step.id)) this.approval ??= { gate: step, message: fired.message }
      return null
    }
    return limitReached(step.source, step.id, fired.message, this.records, this.policyError)
  }

  allowed(observeResults: PreDecision['observeResults']): PreDecision {
    const { records: contractsEvaluated, observed, policyError } = this
    return { ...ALLOWED, contractsEvaluated, observed, policyError, observeResults }
  }

  pending(): PreDecision {
    if (this.approval === null) return this.allowed([])
    const { gate, message } = this.approval
    return {
      ...this.allowed([]),
      action: 'pending_approval',
      reason: message,
      decisionSource: gate.source,
      decisionName: gate.id,
      approvalTimeout: gate.timeout,
      approvalTimeoutEffect: gate.timeoutEffect,
      approvalMessage: message,
    }
  }
}
