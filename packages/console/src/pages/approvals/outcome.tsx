import type { Approval } from '../../api/types.ts'
import { duration } from '../../ui/time.ts'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'

/** How a call ended, in a word. A call nobody decided went on, or did not, as its contract says. */
export function endOf(approval: Approval): string {
  switch (approval.status) {
    case 'pending':
      return 'time is up'
    case 'approved':
      return 'approved'
    case 'denied':
      return 'denied'
    case 'timeout':
      return approval.timeout_effect === 'allow' ? 'timed out, allowed' : 'timed out, denied'
    case 'withdrawn':
      return 'taken back'
  }
}

/** How a call ended: what, by whom, when, why; and for a time-out what it did. */
export function Outcome({ approval }: { approval: Approval }) {
  const ranOut = approval.status === 'timeout' || approval.status === 'pending'
  return (
    <p role="status" className="flex min-h-10 flex-wrap items-center gap-x-1.5 text-muted">
      <span className="font-medium text-ink first-letter:uppercase">{endOf(approval)}</span>
      {ranOut && (
        <span>
          Nobody decided within {duration(approval.timeout_seconds)}, so the call was{' '}
          {approval.timeout_effect === 'allow' ? 'allowed' : 'denied'}.
        </span>
      )}
      {approval.status === 'withdrawn' && <span>What asked for it has ended, so nothing ran.</span>}
      {approval.decided_by && <span>by {visible(approval.decided_by)}</span>}
      {approval.decided_via && approval.decided_by && <span>· {approval.decided_via}</span>}
      {approval.decided_at && (
        <span>
          · <When at={approval.decided_at} />
        </span>
      )}
      {approval.decision_reason && (
        <span className="basis-full break-words">“{visible(approval.decision_reason)}”</span>
      )}
    </p>
  )
}
