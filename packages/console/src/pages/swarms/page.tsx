import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Network } from 'lucide-react'
import { ListPage } from '../../app/list-page.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Pager } from '../../ui/pager.tsx'
import { plural } from '../../ui/plural.ts'
import { When } from '../../ui/when.tsx'
import { SWARM_STATUSES, type Swarm, swarmQueries } from './queries.ts'
import { childrenOf, nameOf } from './swarm.ts'
import { SwarmBadge, swarmLabel } from './swarm-badge.tsx'

/** Agents that began others to work with, newest first. */
export function SwarmsPage() {
  const { status, page = 1 } = useSearch({ from: '/inside/swarms' })
  const navigate = useNavigate({ from: '/swarms' })
  const list = useQuery(swarmQueries.list(status, page - 1))
  return (
    <ListPage
      title="Swarms"
      lead="Agents that wrote others and work with them. A swarm begins with the first child, and dissolves by itself."
      icon={Network}
      query={list}
      rowsOf={({ rows }) => rows}
      row={(swarm) => <Row key={swarm.id} swarm={swarm} />}
      filters={
        <FilterMenu
          label="Status"
          value={status}
          onChange={(chosen) => {
            const next = SWARM_STATUSES.find((one) => one === chosen)
            void navigate({ search: next ? { status: next } : {} })
          }}
          options={SWARM_STATUSES.map((value) => ({ value, label: swarmLabel(value) }))}
        />
      }
      isNothing={() => status === undefined && page === 1}
      nothing={{
        title: 'No agents work together yet',
        words: (
          <>
            An agent may begin others when its manifest says{' '}
            <code className="font-mono text-sm">spec.advanced.swarm_enabled: true</code>. They have no more than it has,
            and its contracts judge their calls.
          </>
        ),
      }}
      noMatch={page > 1 ? 'Nothing on this page' : 'No swarm matches'}
      below={
        <Pager
          page={page}
          hasMore={list.data?.hasMore ?? false}
          onPage={(next) =>
            void navigate({ search: ({ page: _page, ...now }) => (next > 1 ? { ...now, page: next } : now) })
          }
        />
      }
    />
  )
}

function Row({ swarm }: { swarm: Swarm }) {
  return (
    <li>
      <Link
        to="/swarms/$id"
        params={{ id: swarm.id }}
        data-row
        className="grid min-h-13 items-center gap-x-4 gap-y-1 px-4 py-2 hover:bg-hover focus-visible:-outline-offset-2 max-sm:grid-cols-[minmax(0,1fr)_auto] sm:grid-cols-[7rem_minmax(0,1fr)_9rem_6rem]"
      >
        <span className="flex">
          <SwarmBadge status={swarm.status} />
        </span>
        <span className="min-w-0 max-sm:order-first">
          <span className="block truncate font-medium text-sm">{nameOf(swarm)}</span>
          <span className="block truncate text-muted text-xs">{childrenOf(swarm)}</span>
        </span>
        <span className="tabular text-muted text-xs max-sm:order-3">
          {plural(swarm.recent_message_count, 'message')}
          {swarm.lock_count > 0 && `, ${plural(swarm.lock_count, 'lock')}`}
        </span>
        <span className="text-muted text-xs max-sm:order-4 max-sm:justify-self-end">
          <When at={swarm.created_at} />
        </span>
      </Link>
    </li>
  )
}
