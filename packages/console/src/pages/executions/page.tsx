import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Play } from 'lucide-react'
import { useRef } from 'react'
import { serverNow } from '../../api/clock.ts'
import { useListKeys } from '../../app/list-keys.ts'
import { buttonClass } from '../../ui/button.tsx'
import { elapsed } from '../../ui/elapsed.ts'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { Pager } from '../../ui/pager.tsx'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import { useAtNow } from '../../ui/ticker.ts'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { managedAgentQueries } from '../managed-agents/queries.ts'
import { EXECUTION_STATUSES, type ExecutionSummary, executionQueries } from './queries.ts'
import type { ExecutionSearch } from './route.ts'
import { StatusBadge, statusLabel } from './shared/status.tsx'

/** Runs of agents, newest first; those under way change by themselves. */
export function ExecutionsPage() {
  const { page = 1, ...filter } = useSearch({ from: '/inside/executions' })
  const navigate = useNavigate({ from: '/executions' })
  const list = useQuery(executionQueries.list(filter, page - 1))
  const agents = useQuery(managedAgentQueries.all()).data ?? []
  const within = useRef<HTMLDivElement>(null)
  useListKeys(within, 'Executions')
  const set = (change: { [Name in keyof ExecutionSearch]?: ExecutionSearch[Name] | undefined }) =>
    void navigate({ search: ({ page: _page, ...now }) => withoutEmpty({ ...now, ...change }) })
  const isFiltered = filter.status !== undefined || filter.agent !== undefined
  return (
    <Page
      title="Executions"
      lead="Every run of an agent: what it was asked, how it stands, how long it took."
      actions={
        <Link to="/managed-agents" className={buttonClass('primary')}>
          Run an agent
        </Link>
      }
    >
      <div ref={within}>
        <div className="mb-3 flex flex-wrap gap-2">
          <FilterMenu
            label="Status"
            value={filter.status}
            onChange={(status) => set({ status })}
            options={EXECUTION_STATUSES.map((value) => ({ value, label: statusLabel(value) }))}
          />
          <FilterMenu
            label="Agent"
            value={filter.agent}
            onChange={(agent) => set({ agent })}
            options={agents.map(({ id, name, execution_count }) => ({
              value: id,
              label: name,
              count: execution_count,
            }))}
          />
        </div>
        <Card className="overflow-hidden">
          {list.isPending ? (
            <SkeletonRows rows={8} />
          ) : list.isError && !list.data ? (
            <Failure error={list.error} retry={() => void list.refetch()} />
          ) : list.data.rows.length > 0 ? (
            <ul aria-label="Executions, newest first" className="divide-y">
              {list.data.rows.map((execution) => (
                <Row key={execution.id} execution={execution} />
              ))}
            </ul>
          ) : isFiltered || page > 1 ? (
            <Empty icon={Play} title="No execution matches" />
          ) : (
            <Empty
              icon={Play}
              title="Nothing has run yet"
              action={
                <Link to="/managed-agents" className={buttonClass('primary')}>
                  Go to the agents
                </Link>
              }
            >
              Deploy an agent from its manifest, then run it. Its tool calls are judged by the contracts it is assigned.
            </Empty>
          )}
        </Card>
        <Pager
          page={page}
          hasMore={list.data?.hasMore ?? false}
          onPage={(next) =>
            void navigate({ search: ({ page: _page, ...now }) => (next > 1 ? { ...now, page: next } : now) })
          }
        />
      </div>
    </Page>
  )
}

const withoutEmpty = (search: { [Name in keyof ExecutionSearch]?: ExecutionSearch[Name] | undefined }) =>
  Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as ExecutionSearch

function Row({ execution }: { execution: ExecutionSummary }) {
  return (
    <li>
      <Link
        to="/executions/$id"
        params={{ id: execution.id }}
        data-row
        className="grid min-h-12 items-center gap-x-4 gap-y-1 px-4 py-2 hover:bg-hover focus-visible:-outline-offset-2 max-sm:grid-cols-[minmax(0,1fr)_auto] sm:grid-cols-[10rem_minmax(0,1fr)_5rem_6rem]"
      >
        <StatusBadge status={execution.status} waitingFor={execution.waiting_for} />
        <span className="min-w-0 max-sm:order-first">
          <span className="block truncate font-medium text-sm">
            {visible(execution.agent_name)}
            <span className="ml-2 font-normal text-faint text-xs">v{execution.agent_version}</span>
          </span>
          <span className="block truncate text-faint text-xs">
            {execution.summary ? visible(execution.summary) : <code>{execution.id.slice(0, 8)}</code>}
          </span>
        </span>
        <span className="tabular text-muted text-xs max-sm:order-3">
          <span className="sm:sr-only">took </span>
          <Took execution={execution} />
        </span>
        <span className="text-muted text-xs max-sm:order-4 max-sm:justify-self-end">
          <When at={execution.created_at} />
        </span>
      </Link>
    </li>
  )
}

function Took({ execution: { started_at, ended_at } }: { execution: ExecutionSummary }) {
  const now = useAtNow((instant) => (ended_at ? 0 : Math.floor(instant / 1_000) * 1_000))
  const end = ended_at ? Date.parse(ended_at) : now || serverNow()
  return elapsed(end - Date.parse(started_at))
}
