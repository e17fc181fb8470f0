import { Ban, CircleCheck, CircleDot, CircleSlash, Hourglass, type LucideIcon } from 'lucide-react'
import { Badge } from '../../../ui/badge.tsx'
import type { Tone } from '../../../ui/verdict.ts'

const LOOKS: Readonly<Record<string, { tone: Tone; label: string; icon: LucideIcon }>> = {
  pending: { tone: 'neutral', label: 'Pending', icon: Hourglass },
  running: { tone: 'observe', label: 'Running', icon: CircleDot },
  completed: { tone: 'allow', label: 'Completed', icon: CircleCheck },
  failed: { tone: 'deny', label: 'Failed', icon: CircleSlash },
  cancelled: { tone: 'neutral', label: 'Cancelled', icon: Ban },
}

const WAITS: Readonly<Record<string, string>> = {
  place: 'Waits for a place',
  person: 'Waits for a person',
  child: 'Waits for a child',
}

export const statusLabel = (status: string): string => LOOKS[status]?.label ?? status

export const isUnderWay = (status: string): boolean => status === 'pending' || status === 'running'

/** How a run stands; what it waits for says more than that it runs. */
export function StatusBadge({ status, waitingFor = null }: { status: string; waitingFor?: string | null }) {
  const look = LOOKS[status]
  const waits = isUnderWay(status) && waitingFor ? WAITS[waitingFor] : undefined
  const Icon = waits ? Hourglass : look?.icon
  return (
    <Badge tone={waits ? 'ask' : (look?.tone ?? 'neutral')}>
      {Icon && <Icon aria-hidden />}
      <span className="truncate">{waits ?? look?.label ?? status}</span>
    </Badge>
  )
}
