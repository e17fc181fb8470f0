import type { Approval } from '../../../api/types.ts'
import { cn } from '../../../ui/cn.ts'
import { useNow } from '../../../ui/ticker.ts'
import { countdown, type Urgency, urgency } from '../../../ui/time.ts'
import { expiryOf } from './order.ts'

const LOOK: Readonly<Record<Urgency, string>> = {
  calm: 'text-muted',
  soon: 'text-ask',
  critical: 'text-deny',
  expired: 'text-faint',
}

/** Time left: a ring that empties, and the figure. */
export function Countdown({ approval, className }: { approval: Approval; className?: string }) {
  const now = useNow()
  const total = approval.timeout_seconds * 1_000
  const left = Math.min(total, expiryOf(approval) - now)
  const share = Math.min(1, Math.max(0, left / total))
  const look = urgency(left, total)
  return (
    <span className={cn('tabular inline-flex items-center gap-1.5 whitespace-nowrap text-xs', LOOK[look], className)}>
      <svg viewBox="0 0 16 16" className="-rotate-90 size-3.5" aria-hidden="true">
        <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" strokeOpacity="0.2" strokeWidth="2.5" />
        <circle
          cx="8"
          cy="8"
          r="6"
          fill="none"
          stroke="currentColor"
          strokeWidth="2.5"
          pathLength={100}
          strokeDasharray={`${share * 100} 100`}
        />
      </svg>
      {look === 'expired' ? 'expired' : <span title="Time left">{countdown(left)}</span>}
    </span>
  )
}
