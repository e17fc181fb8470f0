import {
  type ContractRecord,
  type Mode,
  type PastInput,
  type Principal,
  type PrincipalWire,
  principalToWire,
  type RecordWire,
  recordToWire,
} from '@lictor/contracts'
import type { WorkflowStatus } from '../gates.ts'

/** What happened to a call. One call has several events, one per stage. */
export type AuditAction =
  | 'call_denied'
  | 'call_would_deny'
  | 'call_allowed'
  | 'call_executed'
  | 'call_failed'
  | 'postcondition_warning'
  | 'call_approval_requested'
  | 'call_approval_granted'
  | 'call_approval_denied'
  | 'call_approval_timeout'
  /** Asking for the approval, or using it, failed; the call did not run. */
  | 'call_approval_failed'
  /** The caller took the call back before its tool ran. */
  | 'call_cancelled'
  /** At the gates of a workflow: a stage was left, the last one was, a person moved the session. */
  | 'workflow_stage_advanced'
  | 'workflow_completed'
  | 'workflow_state_updated'

/** The actions by name, for code that prefers a constant to a string. */
export const AuditAction = {
  CALL_DENIED: 'call_denied',
  CALL_WOULD_DENY: 'call_would_deny',
  CALL_ALLOWED: 'call_allowed',
  CALL_EXECUTED: 'call_executed',
  CALL_FAILED: 'call_failed',
  POSTCONDITION_WARNING: 'postcondition_warning',
  CALL_APPROVAL_REQUESTED: 'call_approval_requested',
  CALL_APPROVAL_GRANTED: 'call_approval_granted',
  CALL_APPROVAL_DENIED: 'call_approval_denied',
  CALL_APPROVAL_TIMEOUT: 'call_approval_timeout',
  CALL_APPROVAL_FAILED: 'call_approval_failed',
  CALL_CANCELLED: 'call_cancelled',
  WORKFLOW_STAGE_ADVANCED: 'workflow_stage_advanced',
  WORKFLOW_COMPLETED: 'workflow_completed',
  WORKFLOW_STATE_UPDATED: 'workflow_state_updated',
} as const satisfies Record<string, AuditAction>

export interface HookRecord {
  readonly name: string
  readonly result: 'allow' | 'deny'
  readonly reason: string | null
}

/** Which approval a call ran, or did not run, by. */
export interface ApprovalRecord {
  readonly id: string
  /** Who decided; null while nobody has. */
  readonly decidedBy: string | null
  /** What who decided said; null while nobody has, or without a word. The event's own `reason` is the contract's message. */
  readonly reason: string | null
  /** SHA-256 of exactly what was approved; null where the backend binds no approval to it. */
  readonly actionDigest: string | null
  /**
   * `verified`: a receipt over the digest, signed by a key this guard was given or knows from its server. `unverified`: the
   * server gives no receipts, or the guard knows no key of its. Null where nothing is claimed.
   */
  readonly verification: 'verified' | 'unverified' | null
}

export interface AuditEventFields {
  /** ISO 8601 UTC. */
  readonly timestamp: string
  readonly runId?: string
  readonly callId?: string
  readonly callIndex?: number
  readonly parentCallId?: string | null
  readonly toolName?: string
  /** Already redacted. */
  readonly toolArgs?: unknown
  readonly sideEffect?: string
  readonly environment?: string
  readonly principal?: Principal | null
  readonly action?: AuditAction
  readonly decisionSource?: string | null
  readonly decisionName?: string | null
  readonly reason?: string | null
  readonly hooksEvaluated?: readonly HookRecord[]
  readonly contractsEvaluated?: readonly ContractRecord[]
  readonly toolSuccess?: boolean | null
  readonly postconditionsPassed?: boolean | null
  readonly durationMs?: number
  readonly error?: string | null
  readonly resultSummary?: string | null
  readonly sessionAttemptCount?: number
  readonly sessionExecutionCount?: number
  readonly mode?: Mode
  readonly policyVersion?: string | null
  readonly policyError?: boolean
  readonly approval?: ApprovalRecord | null
  /** What of the session's past the contracts asked for and found. */
  readonly past?: Required<PastInput> | null
  /** Where the session stands at its gates. */
  readonly workflow?: WorkflowStatus | null
  /** The session that this one belongs to; told with `workflow`. */
  readonly parentSessionId?: string | null
}

const NONE: readonly never[] = Object.freeze([])

/** One stage of one governed call. In TypeScript camelCase, as JSON the snake_case names of the wire. */
export class AuditEvent {
  readonly schemaVersion = '0.3.0'
  readonly timestamp: string
  readonly runId: string
  readonly callId: string
  readonly callIndex: number
  readonly parentCallId: string | null
  readonly toolName: string
  readonly toolArgs: unknown
  readonly sideEffect: string
  readonly environment: string
  readonly principal: Principal | null
  readonly action: AuditAction
  readonly decisionSource: string | null
  readonly decisionName: string | null
  readonly reason: string | null
  readonly hooksEvaluated: readonly HookRecord[]
  readonly contractsEvaluated: readonly ContractRecord[]
  readonly toolSuccess: boolean | null
  readonly postconditionsPassed: boolean | null
  readonly durationMs: number
  readonly error: string | null
  readonly resultSummary: string | null
  readonly sessionAttemptCount: number
  readonly sessionExecutionCount: number
  readonly mode: Mode
  readonly policyVersion: string | null
  readonly policyError: boolean
  readonly approval: ApprovalRecord | null
  /** Null where no contract asked for the session's past. */
  readonly past: Required<PastInput> | null
  /** Null without gates. */
  readonly workflow: WorkflowStatus | null
  readonly parentSessionId: string | null

  constructor(fields: AuditEventFields) {
    this.timestamp = fields.timestamp
    this.runId = fields.runId ?? ''
    this.callId = fields.callId ?? ''
    this.callIndex = fields.callIndex ?? 0
    this.parentCallId = fields.parentCallId ?? null
    this.toolName = fields.toolName ?? ''
    this.toolArgs = fields.toolArgs ?? {}
    this.sideEffect = fields.sideEffect ?? ''
    this.environment = fields.environment ?? ''
    this.principal = fields.principal ?? null
    this.action = fields.action ?? 'call_denied'
    this.decisionSource = fields.decisionSource ?? null
    this.decisionName = fields.decisionName ?? null
    this.reason = fields.reason ?? null
    this.hooksEvaluated = fields.hooksEvaluated ?? NONE
    this.contractsEvaluated = fields.contractsEvaluated ?? NONE
    this.toolSuccess = fields.toolSuccess ?? null
    this.postconditionsPassed = fields.postconditionsPassed ?? null
    this.durationMs = fields.durationMs ?? 0
    this.error = fields.error ?? null
    this.resultSummary = fields.resultSummary ?? null
    this.sessionAttemptCount = fields.sessionAttemptCount ?? 0
    this.sessionExecutionCount = fields.sessionExecutionCount ?? 0
    this.mode = fields.mode ?? 'enforce'
    this.policyVersion = fields.policyVersion ?? null
    this.policyError = fields.policyError ?? false
    this.approval = fields.approval ?? null
    this.past = fields.past ?? null
    this.workflow = fields.workflow ?? null
    this.parentSessionId = fields.parentSessionId ?? null
  }

  toJSON(): AuditEventJson {
    return {
      schema_version: this.schemaVersion,
      timestamp: this.timestamp,
      run_id: this.runId,
      call_id: this.callId,
      call_index: this.callIndex,
      parent_call_id: this.parentCallId,
      tool_name: this.toolName,
      tool_args: this.toolArgs,
      side_effect: this.sideEffect,
      environment: this.environment,
      principal: principalToWire(this.principal),
      action: this.action,
      decision_source: this.decisionSource,
      decision_name: this.decisionName,
      reason: this.reason,
      hooks_evaluated: this.hooksEvaluated,
      contracts_evaluated: this.contractsEvaluated.map(recordToWire),
      tool_success: this.toolSuccess,
      postconditions_passed: this.postconditionsPassed,
      duration_ms: this.durationMs,
      error: this.error,
      result_summary: this.resultSummary,
      session_attempt_count: this.sessionAttemptCount,
      session_execution_count: this.sessionExecutionCount,
      mode: this.mode,
      policy_version: this.policyVersion,
      policy_error: this.policyError,
      ...(this.approval === null ? {} : { approval: approvalToWire(this.approval) }),
      ...(this.past === null ? {} : { past: this.past }),
      ...(this.workflow === null ? {} : workflowToWire(this, this.workflow)),
    }
  }
}

export interface ApprovalRecordWire {
  readonly id: string
  readonly decided_by: string | null
  readonly reason: string | null
  readonly action_digest: string | null
  readonly verification: string | null
}

export function approvalToWire(approval: ApprovalRecord): ApprovalRecordWire {
  const { id, decidedBy, reason, actionDigest, verification } = approval
  return { id, decided_by: decidedBy, reason, action_digest: actionDigest, verification }
}

/** What an event tells of the gates of its session. */
export interface WorkflowWire {
  readonly session_id: string
  readonly parent_session_id: string | null
  readonly workflow: WorkflowStatus
}

export function workflowToWire(
  { runId, parentSessionId }: Pick<AuditEvent, 'runId' | 'parentSessionId'>,
  workflow: WorkflowStatus,
): WorkflowWire {
  return { session_id: runId, parent_session_id: parentSessionId, workflow }
}

export interface AuditEventJson extends Partial<WorkflowWire> {
  readonly schema_version: string
  readonly timestamp: string
  readonly run_id: string
  readonly call_id: string
  readonly call_index: number
  readonly parent_call_id: string | null
  readonly tool_name: string
  readonly tool_args: unknown
  readonly side_effect: string
  readonly environment: string
  readonly principal: PrincipalWire | null
  readonly action: AuditAction
  readonly decision_source: string | null
  readonly decision_name: string | null
  readonly reason: string | null
  readonly hooks_evaluated: readonly HookRecord[]
  readonly contracts_evaluated: readonly RecordWire[]
  readonly tool_success: boolean | null
  readonly postconditions_passed: boolean | null
  readonly duration_ms: number
  readonly error: string | null
  readonly result_summary: string | null
  readonly session_attempt_count: number
  readonly session_execution_count: number
  readonly mode: Mode
  readonly policy_version: string | null
  readonly policy_error: boolean
  /** Only on events about an approval. */
  readonly approval?: ApprovalRecordWire
  /** Only where a contract asked for what came before in the session. */
  readonly past?: Required<PastInput>
}
