import { useQueries } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { History as HistoryIcon } from 'lucide-react'
import type { Approval } from '../../api/types.ts'
import { Badge, EnvironmentTag } from '../../ui/badge.tsx'
import { cn } from '../../ui/cn.ts'
import { Card } from '../../ui/page.tsx'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import { duration } from '../../ui/time.ts'
import type { Tone } from '../../ui/verdict.ts'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { approvalQueries } from './queries.ts'
import { expiryOf } from './shared/order.ts'

/** How many of each are shown. */
const LATEST = { approved: 20, denied: 20, timeout: 10, withdrawn: 10 } as const
const ENDS = Object.keys(LATEST) as readonly (keyof typeof LATEST)[]

/** The latest decisions, and calls that ended without one. */
export function History() {
  const results = useQueries({
    queries: ENDS.map((status) => approvalQueries.list(status, LATEST[status])),
  })
  const failed = results.find((result) => result.isError && !result.data)
  if (failed)
    return (
      <Card>
        <Failure error={failed.error} retry={() => void failed.refetch()} />
      </Card>
    )
  if (results.some((result) => result.isPending))
    return (
      <Card>
        <SkeletonRows rows={6} className="h-14" />
      </Card>
    )
  const decided = results
    .flatMap((result) => result.data ?? [])
    .sort((a, b) => Date.parse(settledAt(b)) - Date.parse(settledAt(a)))
  if (decided.length === 0)
    return (
      <Card>
        <Empty icon={HistoryIcon} title="Nothing decided yet">
          Decisions stay here with who made them, from where, and why.
        </Empty>
      </Card>
    )
  return (
    <Card className="overflow-hidden">
      <ul className="divide-y">
        {decided.map((approval) => (
          <Settled key={approval.id} approval={approval} />
        ))}
      </ul>
      {ENDS.some((status, index) => results[index]?.data?.length === LATEST[status]) && (
        <p className="border-t px-4 py-2.5 text-center text-muted text-xs">
          There may be earlier ones, not shown: these are the latest {LATEST.approved} approved, {LATEST.denied} denied,{' '}
          {LATEST.timeout} timed out and {LATEST.withdrawn} withdrawn.
        </p>
      )}
    </Card>
  )
}

const WORDS: Readonly<Record<Approval['status'], string>> = {
  pending: 'Waiting',
  approved: 'Approved',
  denied: 'Denied',
  timeout: 'Timed out',
  withdrawn: 'Withdrawn',
}

/** A call that went on because nobody decided stands out from those that a person allowed or that were stopped. */
function toneOf({ status, timeout_effect }: Approval): Tone {
  if (status === 'approved') return 'allow'
  if (status === 'withdrawn') return 'neutral'
  return status === 'timeout' && timeout_effect === 'allow' ? 'ask' : 'deny'
}

/** What nobody decided ended when its time was over. */
const settledAt = (approval: Approval) => approval.decided_at ?? new Date(expiryOf(approval)).toISOString()

function Settled({ approval }: { approval: Approval }) {
  const seconds = approval.decided_at
    ? Math.round((Date.parse(approval.decided_at) - Date.parse(approval.created_at)) / 1_000)
    : null
  return (
    <li className="grid gap-x-4 gap-y-0.5 px-4 py-2.5 sm:grid-cols-[6rem_minmax(0,1fr)_auto] sm:items-center">
      <span>
        <Badge tone={toneOf(approval)}>{WORDS[approval.status]}</Badge>
      </span>
      <span className="min-w-0">
        <span className="block truncate">
          <Link
            to="/events"
            search={{ agent_id: approval.agent_id, tool_name: approval.tool_name }}
            className="font-medium font-mono text-sm underline-offset-2 hover:underline"
          >
            {visible(approval.tool_name)}
          </Link>
          <span className="text-muted text-sm"> · {visible(approval.agent_id)}</span>
        </span>
        <span className={cn('block text-muted text-sm', approval.decision_reason ? 'break-words' : 'truncate')}>
          {approval.decision_reason ? `“${visible(approval.decision_reason)}”` : visible(approval.message)}
        </span>
      </span>
      <span className="flex flex-wrap items-center gap-x-3 text-muted text-xs sm:flex-col sm:items-end">
        <span>
          {approval.status === 'timeout'
            ? `nobody decided; ${approval.timeout_effect === 'allow' ? 'allowed' : 'denied'}`
            : approval.status === 'withdrawn'
              ? 'what asked for it ended'
              : visible(approval.decided_by ?? 'nobody decided')}
          {approval.decided_via && approval.decided_by && ` · ${approval.decided_via}`}
          {seconds !== null && ` · after ${duration(seconds)}`}
        </span>
        <span className="flex items-center gap-3">
          <EnvironmentTag env={approval.env} />
          <When at={settledAt(approval)} />
        </span>
      </span>
    </li>
  )
}
