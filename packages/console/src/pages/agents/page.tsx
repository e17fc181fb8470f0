import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Bot, Server } from 'lucide-react'
import { useCallback, useRef } from 'react'
import { useEnvironment } from '../../app/environment.ts'
import { useListKeys } from '../../app/list-keys.ts'
import { EnvironmentTag } from '../../ui/badge.tsx'
import { buttonClass } from '../../ui/button.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { type FleetAgent, filterFleet, fleetOf } from './fleet.ts'
import { agentQueries } from './queries.ts'
import type { AgentSearch } from './route.ts'
import { COVERAGES, type CoverageFilter, type FleetFilter } from './search.ts'
import { CoverageBar } from './shared/coverage-bar.tsx'
import { HEALTH, HealthBadge } from './shared/health.tsx'

const STATUSES = ['connected', 'drift', 'unknown', 'current', 'offline'] as const
const SPANS = [
  { value: '15m', label: 'last 15 minutes' },
  { value: '1h', label: 'last hour' },
  { value: '24h', label: 'last 24 hours' },
  { value: '7d', label: 'last 7 days' },
]
const COVERAGE_WORDS: Readonly<Record<CoverageFilter, string>> = {
  ungoverned: 'Has ungoverned tools',
  enforced: 'Fully enforced',
  observed: 'Only observed',
}

/** Everyone who was ever seen, connected or not: whether each runs what was deployed, and what of it is governed. */
export function AgentsPage() {
  const search = useSearch({ from: '/inside/agents' })
  const navigate = useNavigate({ from: '/agents' })
  const { since = '24h', env: inAddress, ...others } = search
  const registered = useQuery(agentQueries.registered())
  const connected = useQuery(agentQueries.connected())
  const coverage = useQuery(agentQueries.fleet(since))
  const managed = useQuery(agentQueries.managed())
  const set = useCallback(
    (change: Partial<Record<keyof AgentSearch, string | undefined>>, replace = false) =>
      void navigate({ search: (now) => ({ ...now, ...change }) as AgentSearch, replace }),
    [navigate],
  )
  const { env, none } = useEnvironment(inAddress, (value, replace) => set({ env: value }, replace))
  const filter: FleetFilter = { ...others, ...(env === undefined ? {} : { env }) }
  const within = useRef<HTMLDivElement>(null)
  useListKeys(within, 'Agents')
  const typed = useCallback(
    (value: string) => set({ q: value || undefined }, Boolean(search.q && value)),
    [set, search.q],
  )

  const all = fleetOf(registered.data ?? [], connected.data ?? [], coverage.data, managed.data ?? new Set())
  const shown = filterFleet(all, filter)
  const counted = (change: FleetFilter) => filterFleet(all, { ...filter, ...change }).length
  const error = registered.error ?? connected.error
  return (
    <Page
      title="Agents"
      lead="Everyone who connected or was run here, with what they run and what of it is governed."
      actions={
        <Link to="/connect" className={buttonClass()}>
          Connect an agent
        </Link>
      }
    >
      <div ref={within}>
        <div className="mb-3 flex flex-wrap items-center gap-2">
          <SearchField label="Search agents" value={search.q ?? ''} onChange={typed} />
          <FilterMenu
            label="Status"
            value={search.status}
            onChange={(value) => set({ status: value })}
            options={STATUSES.map((value) => ({
              value,
              label: value === 'connected' ? 'Connected' : HEALTH[value].label,
              count: counted({ status: value }),
            }))}
          />
          <FilterMenu
            label="Environment"
            value={env}
            onChange={(value) => set({ env: value ?? none })}
            options={[...new Set(all.flatMap(({ env }) => env ?? []))].sort().map((value) => ({
              value,
              label: value,
              count: counted({ env: value }),
            }))}
          />
          <FilterMenu
            label="Coverage"
            value={search.coverage}
            onChange={(value) => set({ coverage: value })}
            options={COVERAGES.map((value) => ({
              value,
              label: COVERAGE_WORDS[value],
              count: counted({ coverage: value }),
            }))}
          />
          <FilterMenu
            label="Kind"
            value={search.kind}
            onChange={(value) => set({ kind: value })}
            options={[
              { value: 'guarded', label: 'Guarded', count: counted({ kind: 'guarded' }) },
              { value: 'managed', label: 'Run here', count: counted({ kind: 'managed' }) },
            ]}
          />
          <FilterMenu
            label="Coverage of the"
            required
            value={since}
            onChange={(value) => set({ since: value === '24h' ? undefined : value })}
            options={SPANS}
          />
        </div>
        <Card className="overflow-hidden">
          {registered.isPending || connected.isPending ? (
            <SkeletonRows rows={5} className="h-13" />
          ) : error && all.length === 0 ? (
            <Failure
              error={error}
              retry={() => {
                void registered.refetch()
                void connected.refetch()
              }}
            />
          ) : all.length === 0 ? (
            <Empty
              icon={Bot}
              title="No agent yet"
              command="npx lictor demo"
              action={
                <Link to="/connect" className={buttonClass('primary')}>
                  Connect an agent
                </Link>
              }
            >
              An agent appears here the first time it connects, and stays. Paste the snippet into yours, or start a
              scripted one:
            </Empty>
          ) : shown.length === 0 ? (
            <Empty icon={Bot} title="No agent matches these filters" />
          ) : (
            <ul className="divide-y">
              {shown.map((agent) => (
                <Row key={agent.id} agent={agent} />
              ))}
            </ul>
          )}
        </Card>
      </div>
    </Page>
  )
}

function Row({ agent }: { agent: FleetAgent }) {
  return (
    <li>
      <Link
        to="/agents/$agent"
        params={{ agent: agent.id }}
        data-row={agent.id}
        className="grid items-center gap-x-4 gap-y-1 px-4 py-2.5 hover:bg-hover focus-visible:-outline-offset-2 max-sm:grid-cols-[minmax(0,1fr)_auto] sm:grid-cols-[minmax(0,1.4fr)_5.5rem_minmax(0,1fr)_7rem_8rem_5.5rem]"
      >
        <span className="flex min-w-0 items-center gap-1.5 font-medium font-mono text-sm">
          {agent.isManaged && <Server className="size-3.5 shrink-0 text-faint" aria-label="run here" />}
          <span className="truncate" title={agent.id}>
            {visible(agent.name ?? agent.id)}
          </span>
        </span>
        <HealthBadge health={agent.health} />
        <span className="min-w-0 truncate text-sm">
          {agent.bundle ? visible(agent.bundle) : <span className="text-faint">no bundle</span>}
          {agent.policyVersion && (
            <code className="ml-2 font-mono text-faint text-xs">{agent.policyVersion.slice(0, 8)}</code>
          )}
        </span>
        <span className="flex max-sm:justify-self-end">{agent.env && <EnvironmentTag env={agent.env} />}</span>
        {agent.coverage ? <CoverageBar {...agent.coverage} /> : <span className="text-faint text-xs">no calls</span>}
        <span className="text-muted text-xs max-sm:justify-self-end sm:text-right">
          {agent.lastSeen ? <When at={agent.lastSeen} /> : 'never'}
        </span>
      </Link>
    </li>
  )
}
