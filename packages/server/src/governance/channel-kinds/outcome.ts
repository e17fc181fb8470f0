import { toWireTime } from '../../storage/instants.ts'
import type { Approval } from '../approvals/approval.ts'
import { cut, shortId } from './text.ts'

/** One line for people who did not answer yet; whoever sends it disarms it for where it goes. */
export function reminderOf({ id, agentId, toolName, message, expiresAt, timeoutEffect }: Approval): string {
  return `Approval ${shortId(id)} still waits: ${agentId} wants to call ${toolName}. ${cut(message, 500)} — at ${toWireTime(expiresAt)} it is answered by its time-out (${timeoutEffect}).`
}

/** How an approval ended, as messages tell it. */
export interface OutcomeText {
  readonly status: Approval['outcome']['status']
  readonly decidedBy: string | null
  readonly reason: string | null
}

export function outcomeTextOf({ outcome }: Pick<Approval, 'outcome'>): OutcomeText {
  if (outcome.status === 'approved' || outcome.status === 'denied')
    return { status: outcome.status, decidedBy: outcome.decidedBy, reason: outcome.decisionReason }
  const reason = outcome.status === 'withdrawn' ? outcome.reason : null
  return { status: outcome.status, decidedBy: null, reason }
}

const headings: Readonly<Record<OutcomeText['status'], string>> = {
  pending: 'Pending',
  approved: 'Approved',
  denied: 'Denied',
  timeout: 'Expired',
  withdrawn: 'Withdrawn',
}

export const headingOf = (status: OutcomeText['status']): string => headings[status]
