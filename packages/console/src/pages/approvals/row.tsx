import type { Approval } from '../../api/types.ts'
import { EnvironmentTag } from '../../ui/badge.tsx'
import { cn } from '../../ui/cn.ts'
import { visible } from '../../ui/visible.ts'
import { Countdown } from './countdown.tsx'

interface RowProps {
  readonly approval: Approval
  readonly open: boolean
  readonly current: boolean
  readonly onSelect: () => void
}

export function Row({ approval, open, current, onSelect }: RowProps) {
  return (
    <button
      type="button"
      aria-current={current || undefined}
      onClick={onSelect}
      className={cn(
        'block w-full px-4 py-2.5 text-left transition-colors hover:bg-hover focus-visible:-outline-offset-2',
        current && 'shadow-[inset_2px_0_0_var(--accent)]',
        !open && 'opacity-55',
      )}
    >
      <span className="flex items-baseline justify-between gap-3">
        <span className="truncate font-medium font-mono text-sm">{visible(approval.tool_name)}</span>
        {open ? (
          <Countdown approval={approval} />
        ) : (
          <span className="text-muted text-xs">{OUTCOME[approval.status]}</span>
        )}
      </span>
      <span className={cn('mt-0.5 block truncate text-muted text-sm', current && 'max-lg:hidden')}>
        {visible(approval.message)}
      </span>
      <span className="mt-0.5 flex items-center justify-between gap-3 text-xs">
        <span className="truncate text-faint">{visible(approval.agent_id)}</span>
        <EnvironmentTag env={approval.env} />
      </span>
    </button>
  )
}

export const OUTCOME: Readonly<Record<Approval['status'], string>> = {
  pending: 'time is up',
  approved: 'approved',
  denied: 'denied',
  timeout: 'timed out',
}
