import { useLiveStatus } from '../live/live.tsx'
import { cn } from '../ui/cn.ts'

const WORDS = { connecting: 'Connecting…', live: 'Live', away: 'Reconnecting…' } as const

/** Whether what is on screen is live. Quiet while all is well. */
export function LiveDot({ compact = false }: { compact?: boolean }) {
  const status = useLiveStatus()
  return (
    <span
      role="status"
      className="flex h-7 items-center gap-2 px-2 text-muted text-xs"
      title="Live updates from the server"
    >
      <span
        aria-hidden
        className={cn(
          'size-2 rounded-full',
          status === 'live' ? 'bg-allow' : status === 'away' ? 'animate-shimmer bg-deny' : 'animate-shimmer bg-faint',
        )}
      />
      <span className={cn(compact && status === 'live' && 'sr-only')}>{WORDS[status]}</span>
    </span>
  )
}
