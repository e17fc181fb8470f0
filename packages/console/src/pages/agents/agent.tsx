import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { History, Rocket, ShieldAlert, ShieldCheck, Sparkles, TriangleAlert } from 'lucide-react'
import { type ReactNode, useRef } from 'react'
import type { AgentCoverage, AgentHistory } from '../../api/types.ts'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { BackLink } from '../../ui/back-link.tsx'
import { Badge, EnvironmentTag } from '../../ui/badge.tsx'
import { buttonClass } from '../../ui/button.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { Empty, Failure, messageOf, SkeletonRows } from '../../ui/states.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { duration } from '../../ui/time.ts'
import { useToasts } from '../../ui/toasts.tsx'
import type { Tone } from '../../ui/verdict.ts'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { bundleQueries } from '../contracts/queries.ts'
import { type FleetAgent, fleetOf } from './fleet.ts'
import { agentQueries, assignBundle } from './queries.ts'
import { type AgentTab, TABS } from './search.ts'
import { HEALTH, HealthBadge } from './shared/health.tsx'

const SPANS = [
  { value: '1h', label: 'last hour' },
  { value: '24h', label: 'last 24 hours' },
  { value: '7d', label: 'last 7 days' },
  { value: '30d', label: 'last 30 days' },
]
const LABELS: Readonly<Record<AgentTab, string>> = {
  coverage: 'Coverage',
  history: 'History',
  assignment: 'Assignment',
}

/** One agent: what of it is governed, what became of its contracts, and which bundle it is to run. */
export function AgentPage() {
  const { agent: id } = useParams({ from: '/inside/agents/$agent' })
  const { tab = 'coverage', since = '24h' } = useSearch({ from: '/inside/agents/$agent' })
  const navigate = useNavigate({ from: '/agents/$agent' })
  const registered = useQuery(agentQueries.registered())
  const connected = useQuery(agentQueries.connected())
  const managed = useQuery(agentQueries.managed()).data ?? new Set<string>()
  const agent = fleetOf(registered.data ?? [], connected.data ?? [], undefined, managed).find((one) => one.id === id)
  const show = (next: AgentTab) =>
    void navigate({ search: ({ tab: _, ...now }) => (next === 'coverage' ? now : { ...now, tab: next }) })
  useShortcuts(
    TABS.map((name, index) => ({
      keys: String(index + 1),
      label: LABELS[name],
      group: 'Agent',
      run: () => show(name),
    })),
  )
  return (
    <Page
      title={visible(agent?.name ?? id)}
      lead={<BackLink to="/agents">All agents</BackLink>}
      actions={
        <Link to="/events" search={{ agent_id: id }} className={buttonClass()}>
          Its events
        </Link>
      }
    >
      {agent && <Facts agent={agent} />}
      <Tabs label="Agent" value={tab} onChange={show} tabs={TABS.map((value) => ({ value, label: LABELS[value] }))}>
        <TabPanel value="coverage">
          <Coverage id={id} since={since} />
        </TabPanel>
        <TabPanel value="history">
          <Card className="overflow-hidden">
            <Past id={id} />
          </Card>
        </TabPanel>
        <TabPanel value="assignment">
          {registered.isPending ? (
            <SkeletonRows rows={2} />
          ) : registered.isError ? (
            <Failure error={registered.error} retry={() => void registered.refetch()} />
          ) : (
            <Assigned id={id} agent={agent} isRegistered={registered.data.some(({ agent_id }) => agent_id === id)} />
          )}
        </TabPanel>
      </Tabs>
    </Page>
  )
}

function Facts({ agent }: { agent: FleetAgent }) {
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['Status', <HealthBadge key="health" health={agent.health} />],
    ['Kind', agent.isManaged ? 'run here' : 'guarded'],
    ['Environment', agent.env && <EnvironmentTag key="env" env={agent.env} />],
    [
      'Bundle',
      agent.bundle && (
        <Link
          key="bundle"
          to="/contracts/$name"
          params={{ name: agent.bundle }}
          className="underline-offset-2 hover:underline"
        >
          {visible(agent.bundle)}
        </Link>
      ),
    ],
    [
      'Runs',
      agent.policyVersion && (
        <code key="runs" className="font-mono text-xs">
          {agent.policyVersion.slice(0, 12)}
        </code>
      ),
    ],
    ['Last seen', agent.lastSeen && <When key="seen" at={agent.lastSeen} />],
  ]
  return (
    <Card className="mb-4 px-4 py-3">
      <dl className="grid grid-cols-2 gap-x-4 gap-y-2 sm:grid-cols-3 lg:grid-cols-6">
        {facts.map(([name, value]) => (
          <div key={name} className="min-w-0">
            <dt className="text-muted text-xs">{name}</dt>
            <dd className="truncate text-sm">{value || <span className="text-faint">unknown</span>}</dd>
          </div>
        ))}
      </dl>
      {agent.health !== 'current' && <p className="mt-2 text-muted text-xs">It {HEALTH[agent.health].meaning}.</p>}
    </Card>
  )
}

type Tool = AgentCoverage['tools'][number]
const GROUPS: readonly {
  readonly status: Tool['status']
  readonly title: string
  readonly tone: Tone
  readonly icon: typeof ShieldCheck
}[] = [
  { status: 'ungoverned', title: 'Ungoverned', tone: 'deny', icon: ShieldAlert },
  { status: 'observed', title: 'Only observed', tone: 'observe', icon: TriangleAlert },
  { status: 'enforced', title: 'Enforced', tone: 'allow', icon: ShieldCheck },
]

function Coverage({ id, since }: { id: string; since: string }) {
  const coverage = useQuery(agentQueries.coverage(id, since))
  const navigate = useNavigate({ from: '/agents/$agent' })
  const list = useRef<HTMLElement>(null)
  useListKeys(list, 'Agent')
  const data = coverage.data
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center justify-between gap-2">
        <FilterMenu
          label="Calls of the"
          required
          value={since}
          onChange={(value) =>
            void navigate({
              search: ({ since: _, ...now }) => (!value || value === '24h' ? now : { ...now, since: value }),
            })
          }
          options={SPANS}
        />
        {data && (
          <p className="text-muted text-sm">
            {data.summary.enforced} of {plural(data.summary.total_tools, 'tool')} enforced
          </p>
        )}
      </div>
      <Card ref={list} className="overflow-hidden">
        {coverage.isPending ? (
          <SkeletonRows rows={4} />
        ) : isNoCall(coverage.error) ? (
          <Empty icon={ShieldCheck} title="It made no call in this time" className="py-10">
            What is governed is told by the calls that an agent makes. Choose a longer time.
          </Empty>
        ) : coverage.isError && !data ? (
          <Failure error={coverage.error} retry={() => void coverage.refetch()} />
        ) : (
          data &&
          GROUPS.map(({ status, title, tone }) => {
            const tools = data.tools.filter((tool) => tool.status === status)
            if (tools.length === 0) return null
            return (
              <section key={status} className="border-b last:border-b-0">
                <h2 className="flex items-center gap-2 bg-sunken px-4 py-1.5 font-medium text-sm">
                  {title}
                  <Badge tone={tone}>{tools.length}</Badge>
                </h2>
                <ul className="divide-y">
                  {tools.map((tool) => (
                    <ToolRow key={tool.tool_name} id={id} tool={tool} />
                  ))}
                </ul>
              </section>
            )
          })
        )}
      </Card>
    </>
  )
}

const isNoCall = (error: unknown) => error instanceof Error && 'status' in error && error.status === 404

function ToolRow({ id, tool }: { id: string; tool: Tool }) {
  const counts = [
    `${plural(tool.event_count, 'event')}`,
    ...(tool.deny_count ? [`${tool.deny_count} denied`] : []),
    ...(tool.observe_count ? [`${tool.observe_count} would be denied`] : []),
  ].join(', ')
  return (
    <li>
      <Link
        to="/events"
        search={{ agent_id: id, tool_name: tool.tool_name }}
        data-row={tool.tool_name}
        className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-0.5 px-4 py-2 text-sm hover:bg-hover focus-visible:-outline-offset-2 sm:grid-cols-[minmax(0,1fr)_minmax(0,1fr)_minmax(0,1fr)_6rem]"
      >
        <span className="truncate font-mono">{visible(tool.tool_name)}</span>
        <span className="flex min-w-0 items-center gap-1.5 max-sm:order-3 max-sm:col-span-2">
          {tool.contract_name ? (
            <>
              <span className="truncate">{visible(tool.contract_name)}</span>
              {tool.source === 'local' && <Badge>local</Badge>}
            </>
          ) : (
            <span className="text-faint">no contract</span>
          )}
        </span>
        <span className="truncate text-muted text-xs max-sm:order-4 max-sm:col-span-2">{counts}</span>
        <span className="text-right text-muted text-xs">
          <When at={tool.last_used} />
        </span>
      </Link>
    </li>
  )
}

type Entry = AgentHistory['events'][number]

function Past({ id }: { id: string }) {
  const history = useQuery(agentQueries.history(id))
  if (history.isPending) return <SkeletonRows rows={4} />
  if (isNoCall(history.error))
    return (
      <Empty icon={History} title="It has no history yet" className="py-10">
        It begins with the first event of the agent.
      </Empty>
    )
  if (history.isError && !history.data) return <Failure error={history.error} retry={() => void history.refetch()} />
  return (
    <ol aria-label="History, newest first" className="divide-y">
      {history.data?.events.map((entry) => (
        <li
          key={`${entry.type} ${entry.timestamp} ${entry.bundle_name}`}
          className="flex items-start gap-3 px-4 py-2.5 text-sm"
        >
          <EntryIcon type={entry.type} />
          <span className="min-w-0 flex-1 text-pretty">
            <EntryWords entry={entry} />
          </span>
          <span className="shrink-0 text-muted text-xs">
            <When at={entry.timestamp} />
          </span>
        </li>
      ))}
    </ol>
  )
}

function EntryIcon({ type }: { type: Entry['type'] }) {
  const className = 'mt-0.5 size-4 shrink-0'
  switch (type) {
    case 'first_seen':
      return <Sparkles aria-hidden className={`${className} text-faint`} />
    case 'deployment':
      return <Rocket aria-hidden className={`${className} text-muted`} />
    case 'drift_detected':
      return <TriangleAlert aria-hidden className={`${className} text-ask`} />
    case 'drift_resolved':
      return <ShieldCheck aria-hidden className={`${className} text-allow`} />
  }
}

function EntryWords({ entry }: { entry: Entry }) {
  const short = (hash: string | null) =>
    hash ? <code className="font-mono text-xs">{hash.slice(0, 12)}</code> : 'an unknown version'
  switch (entry.type) {
    case 'first_seen':
      return <>First seen{entry.environment && ` in ${entry.environment}`}</>
    case 'deployment':
      return (
        <>
          {entry.bundle_name && entry.bundle_version !== null ? (
            <Link
              to="/contracts/$name/compare"
              params={{ name: entry.bundle_name }}
              search={{ to: entry.bundle_version }}
              className="font-medium underline-offset-2 hover:underline"
            >
              {entry.bundle_name} v{entry.bundle_version}
            </Link>
          ) : (
            'A bundle'
          )}{' '}
          was deployed by {entry.deployed_by}
        </>
      )
    case 'drift_detected':
      return (
        <>
          Drift: it ran {short(entry.actual_version)}, and {short(entry.expected_version)} was deployed
        </>
      )
    case 'drift_resolved':
      return (
        <>
          It took over {short(entry.policy_version)}
          {entry.drift_duration_seconds !== null && <> after {duration(entry.drift_duration_seconds)}</>}
        </>
      )
  }
}

const SOURCES = {
  explicit: 'assigned to this agent',
  rule: 'by a rule',
  agent_provided: 'named by the agent itself',
  none: 'nothing is assigned, and no rule concerns it',
} as const

function Assigned({ id, agent, isRegistered }: { id: string; agent: FleetAgent | undefined; isRegistered: boolean }) {
  const client = useQueryClient()
  const toasts = useToasts()
  const refusal = useRefusal('work')
  const env = agent?.env ?? 'production'
  const resolved = useQuery(agentQueries.resolved(id, env))
  const bundles = useQuery(bundleQueries.all()).data ?? []
  const assign = useMutation({
    mutationFn: (bundle: string) => assignBundle(id, bundle),
    onSuccess: (_, bundle) => toasts.done(bundle ? `${id} is to run ${bundle}` : `${id} follows the rules again`),
    onError: (error) => toasts.failed('Nothing was assigned', messageOf(error)),
    onSettled: () =>
      client.invalidateQueries({
        predicate: ({ queryKey }) => ['registrations', 'resolved', 'agents'].includes(String(queryKey[0])),
      }),
  })
  if (resolved.isPending) return <SkeletonRows rows={2} />
  if (resolved.isError) return <Failure error={resolved.error} retry={() => void resolved.refetch()} />
  const { bundle_name, source, rule_pattern } = resolved.data
  return (
    <Card className="flex flex-col gap-3 p-4">
      <p className="text-sm">
        In {env} it runs{' '}
        <strong className="font-medium">{bundle_name ? visible(bundle_name) : 'no bundle of the server'}</strong>:{' '}
        {SOURCES[source as keyof typeof SOURCES] ?? source}
        {rule_pattern && (
          <>
            {' '}
            (<code className="font-mono text-xs">{rule_pattern}</code>)
          </>
        )}
        .
      </p>
      {refusal ? (
        <Withheld why={refusal} />
      ) : isRegistered ? (
        <div className="flex flex-wrap items-center gap-2">
          <FilterMenu
            label="Assigned"
            value={source === 'explicit' ? (bundle_name ?? undefined) : undefined}
            options={bundles.map(({ name }) => ({ value: name, label: name }))}
            onChange={(value) => assign.mutate(value ?? '')}
          />
          <Link to="/assignment" className="text-muted text-sm underline-offset-2 hover:text-ink hover:underline">
            Rules of assignment
          </Link>
        </div>
      ) : (
        <p className="text-muted text-sm">
          It never connected: a bundle can be assigned once it did. A rule concerns it already.
        </p>
      )}
    </Card>
  )
}
