import type { Approval } from '../approvals/approval.ts'

/** How an approval ended, as messages tell it. */
export interface OutcomeText {
  readonly status: Approval['outcome']['status']
  readonly decidedBy: string | null
  readonly reason: string | null
}

export function outcomeTextOf({ outcome }: Pick<Approval, 'outcome'>): OutcomeText {
  if (outcome.status === 'approved' || outcome.status === 'denied')
    return { status: outcome.status, decidedBy: outcome.decidedBy, reason: outcome.decisionReason }
  return { status: outcome.status, decidedBy: null, reason: null }
}

/** `Approved` or `Denied`, for headings. */
export const headingOf = (status: OutcomeText['status']): string =>
  status === 'approved' ? 'Approved' : status === 'denied' ? 'Denied' : 'Expired'
