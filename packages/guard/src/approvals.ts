import type { TimeoutEffect } from '@lictor/contracts'

/** Asking a human before a tool runs (edictum-sdk §8). Time-outs are seconds everywhere, as on the wire. */

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
  waitForDecision(approvalId: string, timeout?: number | null): Promise<ApprovalDecision>
}

export const DEFAULT_APPROVAL_TIMEOUT_SECONDS = 300
