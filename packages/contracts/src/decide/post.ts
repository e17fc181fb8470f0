import { type CompiledPost, type Fired, firedRecord, SKIPPED } from '../contracts/compiled.ts'
import { unjudged } from '../contracts/verdict.ts'
import type { Evaluation } from '../expressions/evaluation.ts'
import { redactorOf, redactResponse } from '../output/redact.ts'
import { judgedText } from '../output/text.ts'
import type { ToolPlan } from '../policy/plan.ts'
import type { Policy } from '../policy/policy.ts'
import type { ContractRecord, Counters, DecideContext, Envelope, PostDecision } from '../types.ts'

type SettledPost = Map<CompiledPost, Fired | null | typeof SKIPPED>

class AwaitingPost {
  readonly contract: CompiledPost
  readonly verdict: Promise<Fired | null>

  constructor(contract: CompiledPost, verdict: Promise<Fired | null>) {
    this.contract = contract
    this.verdict = verdict
  }
}

const NO_COUNTERS: Counters = Object.freeze({ attempts: 0, executions: 0, toolExecutions: 0 })

/**
 * Judges what a tool returned. Every matching post contract is evaluated against the original
 * response; `redact` and `deny` take effect for tools that are `pure` or `read` and are warnings for all others, whose work
 * is done already. What a `redact` or `deny` contract cannot judge (a text beyond a pattern's limit, a stream, an object with
 * methods) is withheld. Never throws.
 *
 * @param response what the tool returned, and the caller would get; `judgedText` says how it is read
 */
export function decidePost(
  policy: Policy,
  envelope: Envelope,
  response: unknown,
  toolSuccess: boolean,
  context?: DecideContext,
): PostDecision {
  const decision = walkPost(policy, envelope, response, toolSuccess, context, null)
  return decision instanceof AwaitingPost ? cannotWait(decision.contract, toolSuccess) : decision
}

/** As `decidePost`, awaiting asynchronous programmatic checks one after the other, in order. Never rejects. */
export async function decidePostAsync(
  policy: Policy,
  envelope: Envelope,
  response: unknown,
  toolSuccess: boolean,
  context?: DecideContext,
): Promise<PostDecision> {
  const settled: SettledPost = new Map()
  for (;;) {
    const decision = walkPost(policy, envelope, response, toolSuccess, context, settled)
    if (!(decision instanceof AwaitingPost)) return decision
    settled.set(decision.contract, await decision.verdict)
  }
}

function walkPost(
  policy: Policy,
  envelope: Envelope,
  response: unknown,
  toolSuccess: boolean,
  context: DecideContext | undefined,
  settled: SettledPost | null,
): PostDecision | AwaitingPost {
  const plan = policy.planFor(envelope.toolName)
  const unfired = toolSuccess ? plan.succeeded : plan.failed
  if (plan.post.length === 0 && plan.postCandidates.length === 0) return unfired
  const evaluation = evaluationOf(policy, envelope, response, context)
  const joined = envelope.joined === null ? null : evaluationOf(policy, envelope.joined, response, context)
  try {
    return walkContracts(plan, evaluation, joined, unfired, settled)
  } finally {
    joined?.end()
    evaluation.end()
  }
}

function evaluationOf(policy: Policy, envelope: Envelope, response: unknown, context: DecideContext | undefined) {
  const evaluation = policy.evaluation(envelope, NO_COUNTERS, context)
  evaluation.response = response
  evaluation.inPost = true
  return evaluation
}

function walkContracts(
  plan: ToolPlan,
  evaluation: Evaluation,
  /** The same call with its command as one line, for a tool that takes program and arguments apart. */
  joined: Evaluation | null,
  unfired: PostDecision,
  settled: SettledPost | null,
): PostDecision | AwaitingPost {
  const enforced = plan.post.length
  const total = enforced + plan.postCandidates.length
  let findings: PostFindings | null = null
  for (let i = 0; i < total; i++) {
    const contract = (i < enforced ? plan.post[i] : plan.postCandidates[i - enforced]) as CompiledPost
    const asIs = judge(contract, evaluation, settled)
    const outcome = asIs === null && joined !== null && !contract.programmatic ? contract.evaluate(joined) : asIs
    if (outcome === null) {
      if (findings !== null) findings.records.push(contract.passed)
      continue
    }
    if (outcome instanceof Promise && settled !== null) return new AwaitingPost(contract, outcome)
    findings ??= new PostFindings(plan.postPassed.slice(0, i), evaluation)
    if (outcome !== SKIPPED) findings.take(contract, outcome instanceof Promise ? waitFailure(contract) : outcome)
  }
  return findings === null ? unfired : findings.decision(unfired.toolSuccess)
}

function judge(contract: CompiledPost, evaluation: Evaluation, settled: SettledPost | null) {
  if (settled === null || !contract.programmatic) return contract.evaluate(evaluation)
  const known = settled.get(contract)
  if (known !== undefined) return known
  const outcome = contract.evaluate(evaluation)
  if (!(outcome instanceof Promise)) settled.set(contract, outcome)
  return outcome
}

function waitFailure(contract: CompiledPost): Fired {
  const detail = `the check of '${contract.id}' is asynchronous and was judged synchronously`
  return unjudged(`Postcondition error: ${detail}`, null, detail)
}

function cannotWait(contract: CompiledPost, toolSuccess: boolean): PostDecision {
  const fired = waitFailure(contract)
  return {
    toolSuccess,
    postconditionsPassed: false,
    warnings: [warning(fired.message)],
    contractsEvaluated: [firedRecord(contract.id, contract.recordType, fired, false)],
    policyError: true,
    redactedResponse: null,
    replacement: null,
    outputSuppressed: false,
    marks: [],
  }
}

/** U+26A0 U+FE0F and a blank open every warning. */
function warning(text: string): string {
  return `\u26a0\ufe0f ${text}`
}

class PostFindings {
  readonly records: ContractRecord[]
  readonly #evaluation: Evaluation
  readonly #warnings: string[] = []
  /** The response as it stands after the redactions so far; null while it is untouched. */
  #replaced: { readonly value: unknown; readonly text: string } | null = null
  #suppressed = false
  readonly #marks: string[] = []
  #policyError = false
  #passed = true

  constructor(passed: ContractRecord[], evaluation: Evaluation) {
    this.records = passed
    this.#evaluation = evaluation
  }

  take(contract: CompiledPost, fired: Fired): void {
    const observed = contract.mode === 'observe' || contract.candidate
    this.records.push(firedRecord(contract.id, contract.recordType, fired, observed))
    if (fired.policyError) this.#policyError = true
    if (contract.mark !== null) {
      this.#marks.push(contract.mark)
      return
    }
    if (observed) {
      this.#warnings.push(warning(`[observe] ${fired.message}`))
      return
    }
    this.#passed = false
    const { sideEffect } = this.#evaluation.envelope
    const safe = sideEffect === 'pure' || sideEffect === 'read'
    if (safe && contract.effect === 'redact') this.#redact(contract, fired)
    else if (safe && contract.effect === 'deny') this.#suppress(contract, fired.message)
    else if (safe) this.#warnings.push(warning(`${fired.message} Consider running the tool again.`))
    else this.#warnings.push(warning(`${fired.message} The tool has already run; check what it did before going on.`))
  }

  #redact(contract: CompiledPost, fired: Fired): void {
    // What could not be judged cannot be redacted, and must not pass.
    if (fired.policyError) {
      this.#suppress(contract, fired.message)
      return
    }
    try {
      const { value, text } = this.#replaced ?? this.#original()
      this.#replaced = redactResponse(value, text, redactorOf(contract.redactPatterns))
      this.#warnings.push(warning(`Contract '${contract.id}' redacted the output.`))
    } catch {
      this.#policyError = true
      this.#suppress(contract, 'The output could not be redacted.')
    }
  }

  #original() {
    const { response } = this.#evaluation
    return { value: response, text: judgedText(response) ?? '' }
  }

  #suppress(contract: CompiledPost, message: string): void {
    const text = `[OUTPUT SUPPRESSED] ${message}`
    this.#replaced = { value: text, text }
    this.#suppressed = true
    this.#warnings.push(warning(`Contract '${contract.id}' suppressed the output.`))
  }

  decision(toolSuccess: boolean): PostDecision {
    return {
      toolSuccess,
      postconditionsPassed: this.#passed,
      warnings: this.#warnings,
      contractsEvaluated: this.records,
      policyError: this.#policyError,
      redactedResponse: this.#replaced?.text ?? null,
      replacement: this.#replaced && { value: this.#replaced.value },
      outputSuppressed: this.#suppressed,
      marks: this.#marks,
    }
  }
}
