import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { ChevronRight, FilePen, ShieldCheck } from 'lucide-react'
import { useRef } from 'react'
import { ENVIRONMENTS, type FleetCoverage } from '../../api/types.ts'
import { useEnvironment } from '../../app/environment.ts'
import { useListKeys } from '../../app/list-keys.ts'
import { EnvironmentTag } from '../../ui/badge.tsx'
import { buttonClass } from '../../ui/button.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { agentQueries } from '../agents/queries.ts'
import { CoverageBar } from '../agents/shared/coverage-bar.tsx'
import type { CoverageSearch } from './route.ts'

const SPANS = [
  { value: '15m', label: 'last 15 minutes' },
  { value: '1h', label: 'last hour' },
  { value: '24h', label: 'last 24 hours' },
  { value: '7d', label: 'last 7 days' },
  { value: '30d', label: 'last 30 days' },
]
/** Agents named beside an ungoverned tool. */
const NAMED = 20

/** Which of the tools that agents really call no contract governs, and whose they are. */
export function CoveragePage() {
  const { since = '24h', ...search } = useSearch({ from: '/inside/coverage' })
  const navigate = useNavigate({ from: '/coverage' })
  const within = useRef<HTMLDivElement>(null)
  useListKeys(within, 'Coverage')
  const set = (change: Partial<Record<keyof CoverageSearch, string | undefined>>, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...change }) as CoverageSearch, replace })
  const { env, none } = useEnvironment(search.env, (value, replace) => set({ env: value }, replace))
  const fleet = useQuery(agentQueries.fleet(since, env))
  const data = fleet.data
  return (
    <Page
      title="Coverage"
      lead="Which tools that agents really call are governed by what is deployed, and which are not."
    >
      <div ref={within}>
        <div className="mb-4 flex flex-wrap gap-2">
          <FilterMenu
            label="Calls of the"
            required
            value={since}
            onChange={(value) => set({ since: value === '24h' ? undefined : value })}
            options={SPANS}
          />
          <FilterMenu
            label="Environment"
            value={env}
            onChange={(value) => set({ env: value ?? none })}
            options={ENVIRONMENTS.map((value) => ({ value, label: value }))}
          />
        </div>
        {fleet.isPending ? (
          <Card>
            <SkeletonRows rows={6} />
          </Card>
        ) : fleet.isError && !data ? (
          <Card>
            <Failure error={fleet.error} retry={() => void fleet.refetch()} />
          </Card>
        ) : (
          data &&
          (data.agents.length === 0 ? (
            <Card>
              <Empty icon={ShieldCheck} title="No call in this time" command="npx lictor demo">
                Coverage is told by the calls that agents make. Choose a longer time, or see some:
              </Empty>
            </Card>
          ) : (
            <div className="flex flex-col gap-4">
              <Tiles fleet={data} env={env ?? none} />
              <Ungoverned fleet={data} />
              <Agents fleet={data} />
            </div>
          ))
        )}
      </div>
    </Page>
  )
}

function Tiles({ fleet: { fleet_summary: sum }, env }: { fleet: FleetCoverage; env: string | undefined }) {
  const tiles = [
    { label: 'Agents', count: sum.total_agents, search: {} },
    { label: 'Fully enforced', count: sum.fully_enforced, search: { coverage: 'enforced' } },
    { label: 'With ungoverned tools', count: sum.with_ungoverned, search: { coverage: 'ungoverned' } },
    { label: 'With drift', count: sum.with_drift, search: { status: 'drift' } },
  ] as const
  return (
    <ul className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      {tiles.map(({ label, count, search }) => (
        <li key={label}>
          <Link
            to="/agents"
            search={{ ...search, ...(env ? { env } : {}) }}
            className="block rounded-xl border bg-surface px-4 py-3 shadow-card hover:bg-hover"
          >
            <span className="block text-muted text-xs">{label}</span>
            <span className="tabular font-semibold text-2xl">{count}</span>
          </Link>
        </li>
      ))}
    </ul>
  )
}

function Ungoverned({ fleet: { fleet_summary: sum } }: { fleet: FleetCoverage }) {
  if (sum.ungoverned_tools.length === 0)
    return (
      <Card className="flex items-center gap-2 px-4 py-3 text-sm">
        <ShieldCheck className="size-4 text-allow" aria-hidden /> Every tool that was called is named by a contract.
      </Card>
    )
  return (
    <Card aria-labelledby="ungoverned" className="overflow-hidden">
      <CardHeading id="ungoverned" aside={<span className="text-muted text-xs">{sum.total_ungoverned_tools}</span>}>
        Ungoverned tools
      </CardHeading>
      <ul className="divide-y">
        {sum.ungoverned_tools.map((tool) => (
          <li key={tool.tool_name}>
            <details className="group">
              <summary
                data-row={tool.tool_name}
                className="flex cursor-pointer items-center gap-2 px-4 py-2 text-sm hover:bg-hover focus-visible:-outline-offset-2"
              >
                <ChevronRight aria-hidden className="size-3.5 text-faint transition-transform group-open:rotate-90" />
                <span className="min-w-0 flex-1 truncate font-mono">{visible(tool.tool_name)}</span>
                <span className="text-muted text-xs">{plural(tool.agent_count, 'agent')}</span>
              </summary>
              <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-t bg-sunken px-4 py-2 pl-9 text-sm">
                {tool.agent_ids.slice(0, NAMED).map((id) => (
                  <Link
                    key={id}
                    to="/agents/$agent"
                    params={{ agent: id }}
                    className="max-w-full truncate font-mono text-xs underline-offset-2 hover:underline"
                  >
                    {visible(id)}
                  </Link>
                ))}
                {tool.agent_ids.length > NAMED && (
                  <span className="text-muted text-xs">and {tool.agent_ids.length - NAMED} more</span>
                )}
                <Link to="/contracts/new" search={{ tool: tool.tool_name }} className={`${buttonClass()} ml-auto`}>
                  <FilePen aria-hidden /> Write a contract
                </Link>
              </div>
            </details>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Agents({ fleet }: { fleet: FleetCoverage }) {
  const agents = fleet.agents.toSorted(
    (a, b) => b.ungoverned - a.ungoverned || a.coverage_pct - b.coverage_pct || a.agent_id.localeCompare(b.agent_id),
  )
  return (
    <Card aria-labelledby="covered" className="overflow-hidden">
      <CardHeading id="covered">Agents</CardHeading>
      <ul className="divide-y">
        {agents.map((agent) => (
          <li key={agent.agent_id}>
            <Link
              to="/agents/$agent"
              params={{ agent: agent.agent_id }}
              data-row={agent.agent_id}
              className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-0.5 px-4 py-2 text-sm hover:bg-hover focus-visible:-outline-offset-2 sm:grid-cols-[minmax(0,1.4fr)_7rem_8rem_minmax(0,1fr)_6rem]"
            >
              <span className="truncate font-mono">{visible(agent.agent_id)}</span>
              <EnvironmentTag env={agent.environment} />
              <CoverageBar {...agent} />
              <span className="truncate text-muted text-xs max-sm:hidden">
                {plural(agent.event_count_24h, 'event')}
              </span>
              <span className="text-right text-muted text-xs">
                <When at={agent.last_seen} />
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  )
}
