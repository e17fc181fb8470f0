import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Bot } from 'lucide-react'
import type { AgentConnection } from '../../api/types.ts'
import { Badge, EnvironmentTag } from '../../ui/badge.tsx'
import { buttonClass } from '../../ui/button.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import type { Tone } from '../../ui/verdict.ts'
import { When } from '../../ui/when.tsx'
import { agentQueries } from './queries.ts'

type Status = AgentConnection['status']
const ORDER: readonly Status[] = ['drift', 'unknown', 'current']
const LOOK: Readonly<Record<Status, { tone: Tone; label: string; meaning: string }>> = {
  current: { tone: 'allow', label: 'Current', meaning: 'runs the deployed version' },
  drift: { tone: 'ask', label: 'Drift', meaning: 'runs another version than the deployed one' },
  unknown: { tone: 'neutral', label: 'Unknown', meaning: 'reported no version, or nothing is deployed' },
}

/** Who is connected right now, and whether each runs what was deployed. Those that do not come first. */
export function AgentsPage() {
  const agents = useQuery(agentQueries.connected())
  const { status, env } = useSearch({ from: '/inside/agents' })
  const navigate = useNavigate({ from: '/agents' })
  const set = (change: { status?: string | undefined; env?: string | undefined }) =>
    void navigate({ search: (now) => ({ ...now, ...change }) })
  const all = agents.data ?? []
  const shown = all
    .filter((agent) => (!status || agent.status === status) && (!env || agent.env === env))
    .sort((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || a.agent_id.localeCompare(b.agent_id))
  return (
    <Page
      title="Agents"
      lead="Every live connection to this server, refreshed every ten seconds."
      actions={
        <Link to="/connect" className={buttonClass()}>
          Connect an agent
        </Link>
      }
    >
      <div className="mb-3 flex flex-wrap gap-2">
        <FilterMenu
          label="Status"
          value={status}
          onChange={(value) => set({ status: value })}
          options={ORDER.map((value) => ({
            value,
            label: LOOK[value].label,
            count: all.filter((agent) => agent.status === value).length,
          }))}
        />
        <FilterMenu
          label="Environment"
          value={env}
          onChange={(value) => set({ env: value })}
          options={[...new Set(all.map((agent) => agent.env))].sort().map((value) => ({
            value,
            label: value,
            count: all.filter((agent) => agent.env === value).length,
          }))}
        />
      </div>
      <Card className="overflow-hidden">
        {agents.isPending ? (
          <SkeletonRows rows={5} className="h-13" />
        ) : agents.isError && !agents.data ? (
          <Failure error={agents.error} retry={() => void agents.refetch()} />
        ) : all.length === 0 ? (
          <Empty
            icon={Bot}
            title="No agent is connected"
            command="npx lictor demo"
            action={
              <Link to="/connect" className={buttonClass('primary')}>
                Connect an agent
              </Link>
            }
          >
            An agent appears here while it holds its stream open. Paste the snippet into yours, or start a scripted one:
          </Empty>
        ) : shown.length === 0 ? (
          <Empty icon={Bot} title="No agent matches these filters" />
        ) : (
          <ul className="divide-y">
            {shown.map((agent) => (
              <Row key={`${agent.agent_id} ${agent.env} ${agent.connected_at}`} agent={agent} />
            ))}
          </ul>
        )}
      </Card>
    </Page>
  )
}

function Row({ agent }: { agent: AgentConnection }) {
  const { tone, label, meaning } = LOOK[agent.status]
  return (
    <li className="grid items-center gap-x-4 gap-y-1 px-4 py-2.5 max-sm:grid-cols-[minmax(0,1fr)_auto] sm:grid-cols-[minmax(0,1.3fr)_5.5rem_minmax(0,1fr)_7rem_6rem]">
      <Link
        to="/events"
        search={{ agent_id: agent.agent_id }}
        className="truncate font-medium font-mono text-sm underline-offset-2 hover:underline"
        title="Show its events"
      >
        {agent.agent_id}
      </Link>
      <span title={`${label}: ${meaning}`}>
        <Badge tone={tone}>{label}</Badge>
      </span>
      <span className="min-w-0 truncate text-sm">
        {agent.bundle_name ? (
          <Link
            to="/contracts/$name"
            params={{ name: agent.bundle_name }}
            className="underline-offset-2 hover:underline"
          >
            {agent.bundle_name}
          </Link>
        ) : (
          <span className="text-faint">no bundle</span>
        )}
        {agent.policy_version && (
          <code className="ml-2 font-mono text-faint text-xs">{agent.policy_version.slice(0, 8)}</code>
        )}
      </span>
      <EnvironmentTag env={agent.env} className="max-sm:justify-self-end" />
      <span className="text-muted text-xs max-sm:col-span-2">
        <span className="sm:sr-only">connected </span>
        <When at={agent.connected_at} />
      </span>
    </li>
  )
}
