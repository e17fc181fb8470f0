import type { Micros } from '../../storage/instants.ts'

export type TimeoutEffect = 'deny' | 'allow'
export type ApprovalStatus = 'pending' | 'approved' | 'denied' | 'timeout'

/** What became of an approval (console-api §8.6.6). Only `pending` ever changes, and once. */
export type ApprovalOutcome =
  | { readonly status: 'pending' }
  | {
      readonly status: 'approved' | 'denied'
      readonly decidedBy: string
      readonly decidedAt: Micros
      readonly decisionReason: string | null
      /** `console`, `telegram`, `slack`, `discord`, or what the client said. */
      readonly decidedVia: string
    }
  | { readonly status: 'timeout' }

/** What an agent asks a person to allow. */
export interface ApprovalRequest {
  readonly tenantId: string
  readonly agentId: string
  readonly env: string
  readonly toolName: string
  /** As the tool would be called with them; shown to who decides, never logged (decision Q5). */
  readonly toolArgs: Readonly<Record<string, unknown>> | null
  readonly message: string
  /** 1 to 86,400. */
  readonly timeoutSeconds: number
  /** What the agent does when nobody decides in time; the status is `timeout` either way. */
  readonly timeoutEffect: TimeoutEffect
  readonly decisionSource: string | null
  readonly contractName: string | null
  /** The runtime execution that waits, when the call comes from one. */
  readonly executionId: string | null
}

export interface Approval extends ApprovalRequest {
  readonly id: string
  readonly createdAt: Micros
  readonly expiresAt: Micros
  readonly outcome: ApprovalOutcome
}

/** Beyond this instant nobody can decide, whether or not the time-out was written yet. */
export const isOverdue = (approval: Approval, now: Micros): boolean =>
  approval.outcome.status === 'pending' && now >= approval.expiresAt
