import { Link } from '@tanstack/react-router'
import { ChevronRight } from 'lucide-react'
import type { Approval } from '../../api/types.ts'
import { visible } from '../../ui/visible.ts'
import { Countdown } from '../approvals/shared/countdown.tsx'

/** A waiting call in one line. It opens the call: nobody decides by a line that is cut off and has no arguments. */
export function WaitingRow({ approval }: { approval: Approval }) {
  return (
    <li>
      <Link
        to="/approvals"
        search={{ id: approval.id }}
        className="flex items-center gap-3 px-4 py-2.5 hover:bg-hover focus-visible:-outline-offset-2"
      >
        <span className="min-w-0 flex-1">
          <span className="block truncate">
            <span className="font-medium font-mono text-sm">{visible(approval.tool_name)}</span>
            <span className="text-muted"> · {visible(approval.agent_id)}</span>
          </span>
          <span className="block truncate text-muted text-sm">{visible(approval.message)}</span>
        </span>
        <Countdown approval={approval} />
        <ChevronRight className="size-4 shrink-0 text-faint" aria-hidden />
      </Link>
    </li>
  )
}
