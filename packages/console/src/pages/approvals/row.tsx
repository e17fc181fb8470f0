import type { Approval } from '../../api/types.ts'
import { EnvironmentTag } from '../../ui/badge.tsx'
import { cn } from '../../ui/cn.ts'
import { visible } from '../../ui/visible.ts'
import { Asker } from './asker.tsx'
import type { Decision } from './deciding.ts'
import { endOf } from './outcome.tsx'
import { Countdown } from './shared/countdown.tsx'

interface RowProps {
  readonly approval: Approval
  readonly open: boolean
  readonly current: boolean
  readonly decision: Decision | undefined
  readonly onSelect: () => void
}

export function Row({ approval, open, current, decision, onSelect }: RowProps) {
  return (
    <button
      type="button"
      aria-current={current || undefined}
      onClick={onSelect}
      className={cn(
        'block w-full px-4 py-2.5 text-left transition-colors hover:bg-hover focus-visible:-outline-offset-2',
        current && 'shadow-[inset_2px_0_0_var(--accent)]',
      )}
    >
      <span className="flex items-baseline justify-between gap-3">
        <span className={cn('truncate font-medium font-mono text-sm', !open && 'text-muted')}>
          {visible(approval.tool_name)}
        </span>
        {decision?.kind === 'held' || decision?.kind === 'sending' ? (
          <span className="whitespace-nowrap text-allow text-xs">
            {decision.kind === 'held' || decision.approved ? 'approving…' : 'denying…'}
          </span>
        ) : open ? (
          <Countdown approval={approval} />
        ) : (
          <span className="whitespace-nowrap text-muted text-xs">{endOf(approval)}</span>
        )}
      </span>
      <span className="mt-0.5 block truncate text-muted text-sm">{visible(approval.message)}</span>
      <span className="mt-0.5 flex flex-wrap items-center justify-between gap-x-3 text-xs">
        <span className="min-w-20 flex-1 truncate text-muted">{visible(approval.agent_id)}</span>
        <span className="flex shrink-0 items-center gap-2">
          <Asker approval={approval} />
          <EnvironmentTag env={approval.env} />
        </span>
      </span>
    </button>
  )
}
