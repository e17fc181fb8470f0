import type { TimeoutEffect } from '@lictor/contracts'
import type { MaybePromise } from './maybe-promise.ts'

/** Asking a human before a tool runs. Time-outs are seconds everywhere, as on the wire. */

export type ApprovalStatus = 'pending' | 'approved' | 'denied' | 'timeout'

export interface ApprovalRequest {
  readonly approvalId: string
  readonly toolName: string
  readonly toolArgs: Readonly<Record<string, unknown>>
  readonly message: string
  /** Seconds. */
  readonly timeout: number
  readonly timeoutEffect: TimeoutEffect
  readonly principal: object | null
  readonly metadata: Readonly<Record<string, unknown>>
  /** ISO 8601 UTC. */
  readonly createdAt: string
}

export interface ApprovalDecision {
  readonly approved: boolean
  readonly approver: string | null
  readonly reason: string | null
  readonly status: ApprovalStatus
  /** ISO 8601 UTC. */
  readonly timestamp: string
  /** What was approved, where the backend binds its approvals to it: the guard then consumes the approval before it runs. */
  readonly actionDigest?: string | null
  /** Whether the decision's receipt was checked; left out where the backend knows no receipts. */
  readonly verification?: 'verified' | 'unverified'
}

export interface ApprovalRequestOptions {
  /** Seconds, default 300. */
  readonly timeout?: number
  /** What a time-out means, default `deny`. */
  readonly timeoutEffect?: TimeoutEffect
  readonly principal?: object | null
  readonly metadata?: Readonly<Record<string, unknown>> | null
  readonly decisionSource?: string | null
  readonly contractName?: string | null
  /** Hash of the contracts that ask. */
  readonly policyVersion?: string | null
  /** Aborts when the caller takes the call back: asking and waiting may end. */
  readonly signal?: AbortSignal
}

/** What a question was about. */
export interface ApprovedAction {
  readonly toolName: string
  readonly toolArgs: Readonly<Record<string, unknown>>
  readonly contractName: string | null
  /** Hash of the contracts that asked. */
  readonly policyVersion: string | null
  readonly timeoutEffect: TimeoutEffect
  readonly signal?: AbortSignal
}

/** Backends ignore options they do not know. An error of either method refuses the call. */
export interface ApprovalBackend {
  requestApproval(
    toolName: string,
    toolArgs: Readonly<Record<string, unknown>>,
    message: string,
    options?: ApprovalRequestOptions,
  ): Promise<ApprovalRequest>
  /** Waits for the human, at most `timeout` seconds (default: the request's). */
  waitForDecision(
    approvalId: string,
    timeout?: number | null,
    options?: { readonly signal?: AbortSignal },
  ): Promise<ApprovalDecision>
  /**
   * What was decided on a question that was put earlier, maybe by another process; null while nothing is. The approval must be
   * bound to exactly this action.
   */
  decisionOf?(approvalId: string, action: ApprovedAction): Promise<ApprovalDecision | null>
  /** Nobody waits for this decision any more; called when the caller takes the call back. */
  withdraw?(approvalId: string, reason: string): MaybePromise<void>
  /** Uses the approval up, just before the tool runs; an error denies the call. Only for decisions with an `actionDigest`. */
  consume?(approvalId: string, actionDigest: string): Promise<void>
}

export const DEFAULT_APPROVAL_TIMEOUT_SECONDS = 300
