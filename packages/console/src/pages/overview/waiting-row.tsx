import { Link } from '@tanstack/react-router'
import { Check } from 'lucide-react'
import type { Approval } from '../../api/types.ts'
import { Button } from '../../ui/button.tsx'
import { visible } from '../../ui/visible.ts'
import { Countdown } from '../approvals/countdown.tsx'
import { useDecision } from '../approvals/use-decision.ts'

/** A waiting call in one line. Denying asks for a reason, so it leads to the inbox. */
export function WaitingRow({ approval, steady }: { approval: Approval; steady: boolean }) {
  const decision = useDecision()
  return (
    <li className="flex items-center gap-3 px-4 py-2.5">
      <Link to="/approvals" search={{ id: approval.id }} className="min-w-0 flex-1">
        <p className="truncate">
          <span className="font-medium font-mono text-sm">{visible(approval.tool_name)}</span>
          <span className="text-muted"> · {visible(approval.agent_id)}</span>
        </p>
        <p className="truncate text-muted text-sm">{visible(approval.message)}</p>
      </Link>
      <Countdown approval={approval} />
      <Button
        variant="allow"
        size="icon"
        busy={decision.isPending}
        disabled={!steady}
        aria-label={`Approve ${approval.tool_name} for ${approval.agent_id}`}
        onClick={() => decision.mutate({ approval, approved: true, reason: null })}
      >
        <Check aria-hidden />
      </Button>
    </li>
  )
}
