import { type Envelope, type Mode, type PostDecision, responseText } from '@lictor/contracts'
import { type ApprovalBackend, type ApprovalDecision, DEFAULT_APPROVAL_TIMEOUT_SECONDS } from './approvals.ts'
import type { AuditAction } from './audit/event.ts'
import { type AuditDependencies, CallAudit } from './call-audit.ts'
import { EdictumDenied, EdictumToolError } from './errors.ts'
import { errorText, type Logger } from './logger.ts'
import { isPromise, type MaybePromise } from './maybe-promise.ts'
import type { EdictumOptions, SuccessCheck } from './options.ts'
import type { GovernancePipeline, PreDecision } from './pipeline.ts'
import type { Session, SessionCounters } from './session.ts'
import type { GuardState } from './state.ts'
import type { ToolSpan } from './telemetry.ts'

/** What a guard lends to each of its calls. */
export interface CallDependencies extends AuditDependencies {
  readonly pipeline: GovernancePipeline
  readonly approvalBackend: ApprovalBackend | null
  readonly onDeny: EdictumOptions['onDeny'] | null
  readonly onAllow: EdictumOptions['onAllow'] | null
  readonly successCheck: SuccessCheck
  readonly logger: Logger
}

/** How a tool ended. */
export type ToolOutcome =
  | { readonly returned: unknown }
  /** What it threw. */
  | { readonly threw: unknown }

/**
 * One tool call under contract, in two steps: `authorize` before the tool, `complete` after it (edictum-sdk §3.7). `run`
 * does both; who executes tools elsewhere (an adapter, a sandbox) calls them around its own execution. Both answer at once
 * when everything they need does.
 */
export class GovernedCall {
  readonly envelope: Envelope
  readonly #session: Session
  readonly #state: GuardState
  readonly #mode: Mode
  readonly #deps: CallDependencies
  readonly #span: ToolSpan | null
  readonly #audit: CallAudit
  #attempts = 0
  #executions = 0
  #startedAt = 0

  constructor(envelope: Envelope, session: Session, state: GuardState, mode: Mode, deps: CallDependencies) {
    this.envelope = envelope
    this.#session = session
    this.#state = state
    this.#mode = mode
    this.#deps = deps
    this.#audit = new CallAudit(envelope, state.policyVersion, mode, deps)
    this.#span = deps.telemetry?.startToolSpan(envelope) ?? null
    if (this.#span !== null && state.policyVersion) this.#span.set('edictum.policy_version', state.policyVersion)
  }

  /**
   * Counts the attempt, decides, asks a human where a contract says so, and records what was decided.
   * @throws EdictumDenied when the call must not run, and whatever storage, sinks or the approval backend throw: any of it
   * means that the tool must not run.
   */
  authorize(): MaybePromise<void> {
    try {
      const pending = this.#decide()
      if (isPromise(pending)) return pending.catch((error: unknown) => this.#abandon(error))
    } catch (error) {
      this.#abandon(error)
    }
  }

  /**
   * Judges and records how the tool ended.
   * @returns what the caller may see: the result, or the text that replaces it
   * @throws EdictumToolError when the tool failed
   */
  complete(outcome: ToolOutcome): MaybePromise<unknown> {
    try {
      const result = this.#complete(outcome)
      if (!isPromise(result)) {
        this.#span?.end()
        return result
      }
      return result.finally(() => this.#span?.end())
    } catch (error) {
      this.#span?.end()
      throw error
    }
  }

  #abandon(error: unknown): never {
    if (this.#span !== null) {
      if (!(error instanceof EdictumDenied)) this.#span.error(errorText(error))
      this.#span.end()
    }
    throw error
  }

  #decide(): MaybePromise<void> {
    const { pipeline } = this.#deps
    const tool = pipeline.counterTool(this.#state, this.envelope.toolName)
    const counters = this.#session.beginAttempt(tool)
    const decision = isPromise(counters) ? counters.then((read) => this.#preExecute(read)) : this.#preExecute(counters)
    return isPromise(decision) ? decision.then((pre) => this.#act(pre)) : this.#act(decision)
  }

  #preExecute(counters: SessionCounters): MaybePromise<PreDecision> {
    this.#attempts = counters.attempts
    this.#executions = counters.executions
    return this.#deps.pipeline.preExecute(this.#state, this.envelope, this.#session, counters)
  }

  #act(pre: PreDecision): MaybePromise<void> {
    if (pre.action === 'allow' && !pre.observed && pre.observeResults.length === 0) {
      const emitted = this.#emitPre('call_allowed', pre)
      if (isPromise(emitted)) return emitted.then(() => this.#allowed('allowed'))
      this.#allowed('allowed')
      return
    }
    if (pre.action === 'deny') return this.#deny(pre)
    return pre.action === 'allow' ? this.#allowObserved(pre) : this.#askHuman(pre)
  }

  async #deny(pre: PreDecision): Promise<void> {
    if (this.#mode === 'observe') {
      await this.#emitPre('call_would_deny', pre)
      this.#deps.telemetry?.recordDenial(this.envelope.toolName)
      this.#span?.set('governance.action', 'would_deny')
      this.#span?.set('governance.would_deny_reason', pre.reason ?? '')
      this.#startedAt = this.#deps.clock.now()
      return
    }
    await this.#emitPre('call_denied', pre)
    this.#refuse(pre.reason ?? '', pre)
  }

  async #allowObserved(pre: PreDecision): Promise<void> {
    for (const record of pre.contractsEvaluated) {
      if (record.observed && !record.passed) await this.#audit.observed(record)
    }
    await this.#emitPre('call_allowed', pre)
    this.#allowed('allowed')
    for (const candidate of pre.observeResults) await this.#audit.candidate(candidate)
  }

  async #askHuman(pre: PreDecision): Promise<void> {
    const { approvalBackend } = this.#deps
    const message = pre.approvalMessage ?? pre.reason ?? ''
    if (approvalBackend === null) {
      const reason = `Approval required but no approval backend configured: ${message}`
      await this.#emitPre('call_denied', { ...pre, reason })
      this.#refuse(reason, pre)
    }
    const { envelope } = this
    const timeout = pre.approvalTimeout || DEFAULT_APPROVAL_TIMEOUT_SECONDS
    const request = await approvalBackend.requestApproval(envelope.toolName, envelope.args, message, {
      timeout,
      timeoutEffect: pre.approvalTimeoutEffect,
      principal: envelope.principal,
      metadata: envelope.metadata,
      decisionSource: pre.decisionSource,
      contractName: pre.decisionName,
    })
    await this.#emitPre('call_approval_requested', pre)
    const decision = await approvalBackend.waitForDecision(request.approvalId, timeout)
    const timedOut = decision.status === 'timeout'
    // On a time-out the contract's word counts, not what the backend makes of it.
    const approved = timedOut ? pre.approvalTimeoutEffect === 'allow' : decision.approved === true
    const reason = approved ? pre.reason : (decision.reason ?? pre.reason ?? '')
    await this.#emitPre(approvalAction(decision, timedOut, approved), { ...pre, reason })
    if (approved) this.#allowed('approved')
    else this.#refuse(reason ?? '', pre)
  }

  #allowed(action: 'allowed' | 'approved'): void {
    const { telemetry, onAllow, clock } = this.#deps
    telemetry?.recordAllowed(this.envelope.toolName)
    this.#span?.set('governance.action', action)
    if (onAllow) this.#callback('onAllow', () => onAllow(this.envelope))
    this.#startedAt = clock.now()
  }

  #refuse(reason: string, pre: PreDecision): never {
    const { telemetry, onDeny } = this.#deps
    telemetry?.recordDenial(this.envelope.toolName)
    if (onDeny) this.#callback('onDeny', () => onDeny(this.envelope, reason, pre.decisionName))
    this.#span?.set('governance.action', 'denied')
    this.#span?.set('governance.reason', reason)
    this.#span?.error(reason)
    throw new EdictumDenied(reason, pre.decisionSource, pre.decisionName)
  }

  #complete(outcome: ToolOutcome): MaybePromise<unknown> {
    const threw = 'threw' in outcome
    const durationMs = Math.max(0, this.#deps.clock.now() - this.#startedAt)
    let response = threw ? errorText(outcome.threw) : outcome.returned
    let success = false
    let failure = threw ? outcome.threw : undefined
    if (!threw) {
      try {
        success = this.#deps.successCheck(this.envelope.toolName, response)
      } catch (error) {
        failure = error
        response = `Success check failed: ${errorText(error)}`
      }
    }
    const post = this.#deps.pipeline.postExecute(this.#state, this.envelope, response, success)
    return isPromise(post)
      ? post.then((decision) => this.#record(decision, response, failure, durationMs))
      : this.#record(post, response, failure, durationMs)
  }

  #record(post: PostDecision, response: unknown, failure: unknown, durationMs: number): MaybePromise<unknown> {
    let recorded: MaybePromise<number>
    try {
      recorded = this.#session.recordExecution(this.envelope.toolName, post.toolSuccess)
    } catch (error) {
      recorded = Promise.reject(error)
    }
    if (isPromise(recorded)) return this.#recordLater(recorded, post, response, failure, durationMs)
    this.#executions = recorded
    const emitted = this.#emitPost(post, failure, durationMs)
    return isPromise(emitted)
      ? emitted.then(() => this.#settle(post, response, failure))
      : this.#settle(post, response, failure)
  }

  async #recordLater(
    recorded: Promise<number>,
    post: PostDecision,
    response: unknown,
    failure: unknown,
    durationMs: number,
  ): Promise<unknown> {
    let storageFailure: unknown = null
    try {
      this.#executions = await recorded
    } catch (error) {
      storageFailure = error ?? new Error('the storage backend failed')
    }
    // The tool has run: that is told whatever becomes of the counters.
    await this.#emitPost(post, failure, durationMs)
    if (storageFailure !== null) throw storageFailure
    return this.#settle(post, response, failure)
  }

  #settle(post: PostDecision, response: unknown, failure: unknown): unknown {
    for (const warning of post.warnings) this.#deps.logger.warn(`${this.envelope.toolName}: ${warning}`)
    this.#span?.set('governance.tool_success', post.toolSuccess)
    this.#span?.set('governance.postconditions_passed', post.postconditionsPassed)
    if (post.toolSuccess) {
      this.#span?.ok()
      return post.redactedResponse ?? response
    }
    // Where a contract changed the text, the cause would still carry what it took out.
    const error =
      post.redactedResponse === null
        ? new EdictumToolError(responseText(response) ?? '', { cause: failure, result: response })
        : new EdictumToolError(post.redactedResponse)
    this.#span?.error(error.message)
    throw error
  }

  #emitPre(action: AuditAction, pre: PreDecision): MaybePromise<void> {
    return this.#audit.decided(action, pre, this.#attempts, this.#executions)
  }

  #emitPost(post: PostDecision, failure: unknown, durationMs: number): MaybePromise<void> {
    const error = failure === undefined ? null : errorText(failure)
    return this.#audit.ended(post, error, durationMs, this.#attempts, this.#executions)
  }

  #callback(name: string, call: () => unknown): void {
    const failed = (error: unknown) => this.#deps.logger.warn(`${name} threw: ${errorText(error)}`)
    try {
      const answer = call()
      if (isPromise(answer)) answer.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

function approvalAction(decision: ApprovalDecision, timedOut: boolean, approved: boolean): AuditAction {
  if (timedOut) return 'call_approval_timeout'
  return approved && decision.approved ? 'call_approval_granted' : 'call_approval_denied'
}
