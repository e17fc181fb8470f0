import { approvalError } from './asking.ts'
import type { AuditAction } from './audit/event.ts'
import { errorText } from './logger.ts'
import { limitReached, type PreDecision } from './pipeline.ts'
import type { Reserved } from './reservations.ts'

/** What a call is busy with, and so what failed when something throws. */
export type Stage = 'counting' | 'recording' | 'asking'

/** The denial of a call that a limit left no room for, in the contract's own words where one says it. */
export function denied(pre: PreDecision, reserved: Reserved): PreDecision {
  return pre.action === 'deny' ? pre : limitReached(pre, reserved.counters)
}

/** The closing event of a call that something kept from running. */
export function failureOf(
  stage: Stage,
  pre: PreDecision,
  error: unknown,
): { readonly action: AuditAction; readonly pre: PreDecision } {
  const text = errorText(error)
  switch (stage) {
    case 'asking':
      return { action: 'call_approval_failed', pre: { ...pre, reason: approvalError(text) } }
    case 'counting':
      return {
        action: 'call_denied',
        pre: {
          ...pre,
          decisionSource: 'session',
          decisionName: null,
          reason: `The session's counters could not be used: ${text}`,
          policyError: true,
        },
      }
    case 'recording':
      return {
        action: 'call_denied',
        pre: {
          ...pre,
          decisionSource: 'audit',
          decisionName: null,
          reason: `The audit event could not be delivered: ${text}`,
          policyError: true,
        },
      }
  }
}
