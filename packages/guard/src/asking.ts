import type { Envelope } from '@lictor/contracts'
import {
  type ApprovalBackend,
  type ApprovalDecision,
  type ApprovalRequest,
  DEFAULT_APPROVAL_TIMEOUT_SECONDS,
} from './approvals.ts'
import type { ApprovalRecord, AuditAction } from './audit/event.ts'
import { untilAborted } from './clock.ts'
import { errorText, type Logger } from './logger.ts'
import type { PreDecision } from './pipeline.ts'

/** What a human, or the passing of time, said. */
export interface Answer {
  readonly kind: 'approved' | 'refused'
  readonly action: AuditAction
  /** What a refused caller is told: the human's reason, or else the contract's message. */
  readonly reason: string | null
  readonly approval: ApprovalRecord
}

export interface Question {
  readonly approvalBackend: ApprovalBackend
  readonly envelope: Envelope
  readonly pre: PreDecision
  readonly policyVersion: string | null
  readonly signal: AbortSignal | undefined
  readonly logger: Logger
  /** Called when the question is put, before its answer is waited for. */
  readonly requested: (approval: ApprovalRecord) => Promise<void>
}

/**
 * Puts one question to the approval backend and waits for its answer. A caller that takes the call back ends the wait: the
 * question is withdrawn where the backend can, and the signal's reason is thrown.
 */
export async function askHuman(question: Question): Promise<Answer> {
  const { approvalBackend, pre, signal } = question
  const timeout = timeoutOf(pre)
  const { approvalId } = await requestOf(question)
  await question.requested({ id: approvalId, decidedBy: null, reason: null, actionDigest: null, verification: null })
  let decision: ApprovalDecision
  try {
    decision = await untilAborted(
      approvalBackend.waitForDecision(approvalId, timeout, signal ? { signal } : {}),
      signal,
    )
    signal?.throwIfAborted()
  } catch (error) {
    if (signal?.aborted) withdraw(question, approvalId)
    throw error
  }
  return answerOf(decision, approvalId, pre)
}

const timeoutOf = (pre: PreDecision): number => pre.approvalTimeout || DEFAULT_APPROVAL_TIMEOUT_SECONDS

/** Puts the question, and waits for nobody. */
export function requestOf({
  approvalBackend,
  envelope,
  pre,
  policyVersion,
  signal,
}: Question): Promise<ApprovalRequest> {
  return untilAborted(
    approvalBackend.requestApproval(envelope.toolName, envelope.args, pre.approvalMessage ?? pre.reason ?? '', {
      timeout: timeoutOf(pre),
      timeoutEffect: pre.approvalTimeoutEffect,
      principal: envelope.principal,
      metadata: envelope.metadata,
      decisionSource: pre.decisionSource,
      contractName: pre.decisionName,
      policyVersion,
      ...(signal ? { signal } : {}),
    }),
    signal,
  )
}

function withdraw({ approvalBackend, logger }: Question, approvalId: string): void {
  const failed = (error: unknown) => logger.warn(`approval ${approvalId} was not withdrawn: ${errorText(error)}`)
  try {
    Promise.resolve(approvalBackend.withdraw?.(approvalId, 'The call was cancelled.')).catch(failed)
  } catch (error) {
    failed(error)
  }
}

export function answerOf(decision: ApprovalDecision, id: string, pre: PreDecision): Answer {
  const timedOut = decision.status === 'timeout'
  // On a time-out the contract's word counts, not what the backend makes of it.
  const approved = timedOut ? pre.approvalTimeoutEffect === 'allow' : decision.approved === true
  return {
    kind: approved ? 'approved' : 'refused',
    action: timedOut ? 'call_approval_timeout' : approved ? 'call_approval_granted' : 'call_approval_denied',
    reason: approved ? pre.reason : (decision.reason ?? pre.reason ?? ''),
    approval: {
      id,
      decidedBy: decision.approver,
      reason: decision.reason,
      // A time-out is nobody's approval: there is nothing to use up.
      actionDigest: timedOut ? null : (decision.actionDigest ?? null),
      verification: timedOut ? null : (decision.verification ?? null),
    },
  }
}

export function approvalError(text: string): string {
  return `The approval could not be asked for: ${text}`
}

/** No event of this call follows one of these. A time-out closes a call only where it refuses it. */
export function closesCall(action: AuditAction): boolean {
  switch (action) {
    case 'call_denied':
    case 'call_approval_denied':
    case 'call_approval_failed':
    case 'call_cancelled':
    case 'call_executed':
    case 'call_failed':
      return true
    default:
      return false
  }
}
