import type { Subject } from '../../changes/subject.ts'
import { type Micros, toWireTime } from '../../storage/instants.ts'

export type TimeoutEffect = 'deny' | 'allow'
export type ApprovalStatus = 'pending' | 'approved' | 'denied' | 'timeout' | 'withdrawn'

/** Seconds that a person may be waited for at most: the same number in contracts and on the wire. */
export const LONGEST_TIMEOUT_SECONDS = 2_592_000

/** What became of an approval. Only `pending` ever changes, and once. */
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
  /** Whoever asked is gone, and no answer is of use to anybody. */
  | { readonly status: 'withdrawn'; readonly reason: string }

/** What an agent asks a person to allow. */
export interface NewApproval {
  readonly tenantId: string
  readonly agentId: string
  readonly env: string
  readonly toolName: string
  /** As the tool would be called with them; shown to who decides, never logged. */
  readonly toolArgs: Readonly<Record<string, unknown>> | null
  readonly message: string
  /** 1 to 2,592,000. */
  readonly timeoutSeconds: number
  /** What the agent does when nobody decides in time; the status is `timeout` either way. */
  readonly timeoutEffect: TimeoutEffect
  readonly decisionSource: string | null
  readonly contractName: string | null
  /** What waits, when this server runs it; null when an agent with an SDK asks. */
  readonly subject: Subject | null
  /** The API key that asked; null for the runtime. */
  readonly askedBy: string | null
  /** SHA-256 of the action that is asked for, in hex, when the asker binds the approval to it. */
  readonly actionDigest: string | null
  /** The agent's own name for what the call belongs to, where it gives one. */
  readonly sessionId: string | null
}

/** That a person decided about exactly this action, signed by the tenant's key. */
export interface Receipt {
  /** Hex. */
  readonly publicKey: string
  /** Hex; over `receiptStatement`. */
  readonly signature: string
}

export interface Approval extends NewApproval {
  readonly id: string
  readonly createdAt: Micros
  readonly expiresAt: Micros
  readonly outcome: ApprovalOutcome
  readonly receipt: Receipt | null
  /** The one call that it allows was begun then. */
  readonly consumedAt: Micros | null
  /** When whoever asked was last heard asking. */
  readonly askerSeenAt: Micros | null
}

/** An approval as lists show it: arguments that are too large for them stand as their beginnings. */
export interface ListedApproval extends Approval {
  readonly isShortened: boolean
}

/** How long after it was last heard an asker counts as waiting. */
const ATTACHED = 30_000_000

/** Whether somebody waits for the answer: heard within the last half minute. */
export const isAskedStill = (approval: Approval, now: Micros): boolean =>
  approval.askerSeenAt !== null && now - approval.askerSeenAt <= ATTACHED

/** What a receipt signs: the RFC 8785 form of these five texts. */
export function receiptStatement(approval: Pick<Approval, 'id' | 'actionDigest'>, decision: Decided): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      action_digest: approval.actionDigest,
      approval_id: approval.id,
      decided_at: toWireTime(decision.decidedAt),
      decided_by: decision.decidedBy,
      decision: decision.status,
    }),
  )
}

type Decided = Pick<Extract<ApprovalOutcome, { decidedBy: string }>, 'status' | 'decidedBy' | 'decidedAt'>

/** Beyond this instant nobody can decide, whether or not the time-out was written yet. */
export const isOverdue = (approval: Approval, now: Micros): boolean =>
  approval.outcome.status === 'pending' && now >= approval.expiresAt
