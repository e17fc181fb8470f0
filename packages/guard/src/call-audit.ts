import type { ContractRecord, Envelope, Mode, ObserveResult, PostDecision, RedactionPolicy } from '@lictor/contracts'
import { type AuditAction, AuditEvent, type AuditEventFields } from './audit/event.ts'
import type { AuditSink } from './audit/sinks.ts'
import { type Clock, isoTime } from './clock.ts'
import type { MaybePromise } from './maybe-promise.ts'
import type { PreDecision } from './pipeline.ts'
import type { GovernanceTelemetry } from './telemetry.ts'

export interface AuditDependencies {
  readonly auditSink: AuditSink
  readonly redaction: RedactionPolicy
  readonly telemetry: GovernanceTelemetry | null
  readonly clock: Clock
}

/** The events of one call (edictum-sdk §11.2): what they share is written down here once, stage by stage the rest. */
export class CallAudit {
  readonly #envelope: Envelope
  readonly #policyVersion: string | null
  readonly #mode: Mode
  readonly #deps: AuditDependencies
  /** Redacted once, for all events of the call. */
  readonly #toolArgs: unknown

  constructor(envelope: Envelope, policyVersion: string | null, mode: Mode, deps: AuditDependencies) {
    this.#envelope = envelope
    this.#policyVersion = policyVersion
    this.#mode = mode
    this.#deps = deps
    this.#toolArgs = deps.redaction.redactArgs(envelope.args)
  }

  /** What was decided before the tool, or about asking. */
  decided(action: AuditAction, pre: PreDecision, attempts: number, executions: number): MaybePromise<void> {
    const envelope = this.#envelope
    return this.#emit({
      timestamp: isoTime(this.#deps.clock.now()),
      runId: envelope.runId,
      callId: envelope.callId,
      callIndex: envelope.callIndex,
      parentCallId: envelope.parentCallId,
      toolName: envelope.toolName,
      toolArgs: this.#toolArgs,
      sideEffect: envelope.sideEffect,
      environment: envelope.environment,
      principal: envelope.principal,
      action,
      decisionSource: pre.decisionSource,
      decisionName: pre.decisionName,
      reason: pre.reason,
      hooksEvaluated: pre.hooksEvaluated,
      contractsEvaluated: pre.contractsEvaluated,
      sessionAttemptCount: attempts,
      sessionExecutionCount: executions,
      mode: this.#mode,
      policyVersion: this.#policyVersion,
      policyError: pre.policyError,
    })
  }

  /** How the tool ended. `error` is what it threw, as it was thrown. */
  ended(
    post: PostDecision,
    error: string | null,
    durationMs: number,
    attempts: number,
    executions: number,
  ): MaybePromise<void> {
    const envelope = this.#envelope
    return this.#emit({
      timestamp: isoTime(this.#deps.clock.now()),
      runId: envelope.runId,
      callId: envelope.callId,
      callIndex: envelope.callIndex,
      parentCallId: envelope.parentCallId,
      toolName: envelope.toolName,
      toolArgs: this.#toolArgs,
      sideEffect: envelope.sideEffect,
      environment: envelope.environment,
      principal: envelope.principal,
      action: post.toolSuccess ? 'call_executed' : 'call_failed',
      contractsEvaluated: post.contractsEvaluated,
      toolSuccess: post.toolSuccess,
      postconditionsPassed: post.postconditionsPassed,
      durationMs,
      // The text may hold what a contract took out; then only the result of that is kept.
      error: error === null ? null : (post.redactedResponse ?? this.#deps.redaction.redactResult(error)),
      sessionAttemptCount: attempts,
      sessionExecutionCount: executions,
      mode: this.#mode,
      policyVersion: this.#policyVersion,
      policyError: post.policyError,
    })
  }

  /** A contract that only observes fired. Its source is `precondition`, for sandboxes too, as in every SDK. */
  observed(record: ContractRecord): MaybePromise<void> {
    return this.#emit({
      ...this.#shared(),
      action: 'call_would_deny',
      mode: 'observe',
      decisionSource: 'precondition',
      decisionName: record.name,
      reason: record.message,
      policyError: record.policyError ?? false,
    })
  }

  /** What a contract of an `observe_alongside` layer would have said. */
  candidate(result: ObserveResult): MaybePromise<void> {
    return this.#emit({
      ...this.#shared(),
      action: result.passed ? 'call_allowed' : 'call_would_deny',
      mode: 'observe',
      decisionSource: result.source,
      decisionName: result.name,
      reason: result.message,
    })
  }

  #shared(): AuditEventFields {
    const envelope = this.#envelope
    return {
      timestamp: isoTime(this.#deps.clock.now()),
      runId: envelope.runId,
      callId: envelope.callId,
      callIndex: envelope.callIndex,
      parentCallId: envelope.parentCallId,
      toolName: envelope.toolName,
      toolArgs: this.#toolArgs,
      sideEffect: envelope.sideEffect,
      environment: envelope.environment,
      principal: envelope.principal,
      policyVersion: this.#policyVersion,
    }
  }

  #emit(fields: AuditEventFields): MaybePromise<void> {
    const event = new AuditEvent(fields)
    this.#deps.telemetry?.evaluationSpan(event)
    return this.#deps.auditSink.emit(event)
  }
}
