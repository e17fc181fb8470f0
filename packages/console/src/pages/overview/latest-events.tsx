import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Activity } from 'lucide-react'
import { memo, useEffect, useRef } from 'react'
import { payloadText } from '../../api/payload.ts'
import type { AuditEvent } from '../../api/types.ts'
import { VerdictBadge } from '../../ui/badge.tsx'
import { buttonClass } from '../../ui/button.tsx'
import { cn } from '../../ui/cn.ts'
import { Card, CardHeading } from '../../ui/page.tsx'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import { visible } from '../../ui/visible.ts'
import { Clock } from '../../ui/when.tsx'
import { eventQueries } from '../events/queries.ts'

const SHOWN = 15
const GLOWING = 5
const NONE: ReadonlySet<string> = new Set()

/** The newest events as they arrive; those that were not there a moment ago glow briefly. */
export function LatestEvents() {
  const events = useQuery(eventQueries.list({ limit: SHOWN }))
  const fresh = useFresh(events.data)
  // In a flood all are new, and a glow on each would say nothing.
  const glow = fresh.size <= GLOWING ? fresh : NONE
  return (
    <Card aria-labelledby="latest" className="flex min-h-110 min-w-0 flex-col">
      <CardHeading
        id="latest"
        aside={
          <Link to="/events" className="text-muted text-sm hover:text-ink">
            All events
          </Link>
        }
      >
        Latest events
      </CardHeading>
      {events.isPending ? (
        <SkeletonRows rows={8} className="h-9.5" />
      ) : events.isError && !events.data ? (
        <Failure error={events.error} retry={() => void events.refetch()} />
      ) : events.data.length === 0 ? (
        <Empty
          icon={Activity}
          title="No event yet"
          command="npx lictor demo"
          action={
            <Link to="/connect" className={buttonClass()}>
              Connect an agent
            </Link>
          }
        >
          Every governed tool call appears here the moment it happens. Connect an agent, or watch a scripted one:
        </Empty>
      ) : (
        <ul className="divide-y">
          {events.data.map((event) => (
            <EventLine key={event.id} event={event} fresh={glow.has(event.id)} />
          ))}
        </ul>
      )}
    </Card>
  )
}

/** Behind the words, and by opacity alone: the browser then moves it without drawing the page anew for each picture. */
const GLOW =
  'before:pointer-events-none before:absolute before:inset-0 before:animate-fresh before:bg-accent-soft before:opacity-0'

const EventLine = memo(function EventLine({ event, fresh }: { event: AuditEvent; fresh: boolean }) {
  const contract = payloadText(event, 'decision_name')
  return (
    <li className={cn('relative', fresh && GLOW)}>
      <Link
        to="/events"
        search={{ event: event.id, ts: event.timestamp }}
        className="relative grid h-9.5 grid-cols-[6.25rem_minmax(0,1fr)_auto] items-center gap-3 px-4 hover:bg-hover focus-visible:-outline-offset-2 sm:grid-cols-[6.25rem_minmax(0,9rem)_minmax(0,1fr)_auto]"
      >
        <VerdictBadge verdict={event.verdict} className="justify-self-start" />
        <span className="truncate font-mono text-sm">{visible(event.tool_name)}</span>
        <span className="truncate text-muted text-sm max-sm:hidden">
          {visible(event.agent_id)}
          {contract && <span className="text-faint"> · {visible(contract)}</span>}
        </span>
        <Clock at={event.timestamp} className="tabular text-faint text-xs" />
      </Link>
    </li>
  )
})

/** Ids that appeared since the previous answer; none at the first. */
function useFresh(events: readonly AuditEvent[] | undefined): ReadonlySet<string> {
  const known = useRef<ReadonlySet<string> | null>(null)
  const fresh = new Set(
    known.current ? events?.filter((event) => !known.current?.has(event.id)).map((event) => event.id) : [],
  )
  useEffect(() => {
    if (events) known.current = new Set(events.map((event) => event.id))
  }, [events])
  return fresh
}
