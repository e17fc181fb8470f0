import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Hand } from 'lucide-react'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { Failure } from '../../ui/states.tsx'
import { useNow } from '../../ui/ticker.ts'
import { approvalQueries } from '../approvals/queries.ts'
import { byUrgency } from '../approvals/shared/order.ts'
import { Activity } from './activity.tsx'
import { Figures } from './figures.tsx'
import { FirstSteps } from './first-steps.tsx'
import { LatestEvents } from './latest-events.tsx'
import { WaitingRow } from './waiting-row.tsx'

/** What needs a person now, then what is going on. */
export function OverviewPage() {
  return (
    <Page title="Overview">
      <FirstSteps />
      <Figures />
      <div className="mt-4 grid gap-4 lg:grid-cols-[minmax(0,5fr)_minmax(0,7fr)]">
        <div className="flex min-w-0 flex-col gap-4">
          <Waiting />
          <Activity />
        </div>
        <LatestEvents />
      </div>
    </Page>
  )
}

const SHOWN = 5

function Waiting() {
  const pending = useQuery(approvalQueries.waiting())
  const now = useNow()
  const list = byUrgency(pending.data ?? [], now)
  return (
    <Card aria-labelledby="waiting">
      <CardHeading
        id="waiting"
        aside={
          <Link to="/approvals" className="text-muted text-sm hover:text-ink">
            {list.length > SHOWN ? `All ${list.length}` : 'Open inbox'}
          </Link>
        }
      >
        Waiting for a decision
      </CardHeading>
      <div className="min-h-29">
        {pending.isError && !pending.data ? (
          <Failure error={pending.error} retry={() => void pending.refetch()} className="py-6" />
        ) : list.length === 0 ? (
          <div className="flex h-29 flex-col items-center justify-center gap-2 text-muted">
            <Hand className="size-5 text-faint" aria-hidden />
            {pending.isPending ? 'Looking…' : 'No call is waiting.'}
          </div>
        ) : (
          <ul className="divide-y">
            {list.slice(0, SHOWN).map((approval) => (
              <WaitingRow key={approval.id} approval={approval} />
            ))}
          </ul>
        )}
      </div>
    </Card>
  )
}
