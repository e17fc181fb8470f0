import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { cn } from '../../ui/cn.ts'
import { plural } from '../../ui/plural.ts'
import { agentQueries } from '../agents/queries.ts'
import { MOST_WAITING } from '../approvals/queries.ts'
import { useOpenCount } from '../approvals/shared/open-count.ts'
import { statisticQueries } from './queries.ts'

/** Four numbers, each a door to its page. They keep their size while loading. */
export function Figures() {
  const overview = useQuery(statisticQueries.overview())
  const stats = overview.data
  const failed = overview.isError && !stats
  const agents = useQuery(agentQueries.connected()).data
  const pending = useOpenCount()
  const drifting = agents?.filter((agent) => agent.status === 'drift').length ?? 0
  return (
    <div className="grid grid-cols-2 gap-px overflow-hidden rounded-xl border bg-line shadow-card lg:grid-cols-4">
      <Figure
        link={<Link to="/approvals" />}
        label="Waiting for you"
        value={pending}
        tone={pending ? 'text-ask' : undefined}
        note={
          pending === undefined
            ? ''
            : pending >= MOST_WAITING
              ? 'calls are paused, or more'
              : pending > 1
                ? 'calls are paused'
                : pending === 1
                  ? 'call is paused'
                  : 'nothing paused'
        }
      />
      <Figure
        link={<Link to="/agents" />}
        label="Agents connected"
        value={agents?.length}
        note={drifting > 0 ? `${drifting} on an old version` : stats ? `${stats.total_agents} ever seen` : ''}
        noteTone={drifting > 0 ? 'text-ask' : undefined}
      />
      <Figure
        link={<Link to="/events" search={{ since: '24h' }} />}
        label="Events, 24 h"
        value={stats?.events_24h}
        failed={failed}
        note={stats ? `${plural(stats.active_agents, 'agent')}, last hour` : ''}
      />
      <Figure
        link={<Link to="/events" search={{ since: '24h', verdict: 'call_denied' }} />}
        label="Denied, 24 h"
        value={stats?.denials_24h}
        failed={failed}
        note={stats ? denialRate(stats.denials_24h, stats.events_24h) : ''}
      />
    </div>
  )
}

const denialRate = (denials: number, events: number) =>
  events === 0 ? 'no calls yet' : `${((100 * denials) / events).toFixed(1)} % of events`

interface FigureProps {
  readonly link: React.ReactElement<{ className?: string; children?: ReactNode }>
  readonly label: string
  readonly value: number | undefined
  readonly note: string
  /** The figure could not be read, which is something else than none. */
  readonly failed?: boolean
  readonly tone?: string | undefined
  readonly noteTone?: string | undefined
}

function Figure({ link, label, value, note, failed = false, tone, noteTone }: FigureProps) {
  const Door = link.type
  return (
    <Door
      {...link.props}
      className="group block bg-surface px-4 py-3 transition-colors hover:bg-sunken focus-visible:-outline-offset-2"
    >
      <span className="block text-muted text-sm">{label}</span>
      <span className={cn('tabular mt-0.5 block min-h-8 font-semibold text-2xl tracking-tight', tone)}>
        {failed ? '–' : (value?.toLocaleString() ?? ' ')}
      </span>
      <span className={cn('block min-h-4.5 truncate text-faint text-xs', failed ? 'text-deny' : noteTone)}>
        {failed ? 'could not be loaded' : note}
      </span>
    </Door>
  )
}
