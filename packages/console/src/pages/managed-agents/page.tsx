import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { BotMessageSquare, Play, Search } from 'lucide-react'
import { useRef } from 'react'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { Badge } from '../../ui/badge.tsx'
import { buttonClass } from '../../ui/button.tsx'
import { cn } from '../../ui/cn.ts'
import { INPUT } from '../../ui/field.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { type ManagedAgent, managedAgentQueries } from './queries.ts'

/** Agents that this server runs, from their manifests. */
export function ManagedAgentsPage() {
  const { q } = useSearch({ from: '/inside/managed-agents' })
  const navigate = useNavigate({ from: '/managed-agents' })
  const agents = useQuery(managedAgentQueries.all())
  const refusal = useRefusal('work')
  const within = useRef<HTMLDivElement>(null)
  useListKeys(within, 'Managed agents')
  const wanted = q?.toLowerCase() ?? ''
  const shown = (agents.data ?? []).filter(({ name, description, labels }) =>
    [name, description, ...Object.entries(labels).flat()].some((text) => text.toLowerCase().includes(wanted)),
  )
  const deploy = (
    <Link to="/managed-agents/new" className={buttonClass('primary')}>
      Deploy an agent
    </Link>
  )
  return (
    <Page
      title="Managed agents"
      lead="Agents that this server runs in sandboxes, from their manifests."
      actions={refusal === null ? deploy : <Withheld why={refusal} className="max-w-xs" />}
    >
      <div ref={within}>
        <label className="relative mb-3 block max-sm:w-full sm:w-72">
          <span className="sr-only">Search agents</span>
          <Search
            aria-hidden
            className="-translate-y-1/2 pointer-events-none absolute top-1/2 left-2.5 size-3.5 text-faint"
          />
          <input
            type="search"
            data-search
            value={q ?? ''}
            onChange={({ target }) => void navigate({ search: target.value ? { q: target.value } : {}, replace: true })}
            onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
            placeholder="Search"
            className={cn(INPUT, 'h-8.5 pl-8 text-sm max-sm:h-10')}
          />
        </label>
        <Card className="overflow-hidden">
          {agents.isPending ? (
            <SkeletonRows rows={5} />
          ) : agents.isError && !agents.data ? (
            <Failure error={agents.error} retry={() => void agents.refetch()} />
          ) : shown.length > 0 ? (
            <ul aria-label="Managed agents" className="divide-y">
              {shown.map((agent) => (
                <Row key={agent.id} agent={agent} mayRun={refusal === null} />
              ))}
            </ul>
          ) : wanted ? (
            <Empty icon={BotMessageSquare} title="No agent matches" />
          ) : (
            <Empty
              icon={BotMessageSquare}
              title="No agent is deployed"
              command="npx lictor agent deploy agent.yaml"
              action={refusal === null ? deploy : undefined}
            >
              A manifest says what an agent is told, which tools it has and what it may reach. Deploy one here, or:
            </Empty>
          )}
        </Card>
      </div>
    </Page>
  )
}

function Row({ agent, mayRun }: { agent: ManagedAgent; mayRun: boolean }) {
  return (
    <li className="flex items-center hover:bg-hover">
      <Link
        to="/managed-agents/$id"
        params={{ id: agent.id }}
        data-row
        className="grid min-h-13 min-w-0 flex-1 items-center gap-x-4 gap-y-1 px-4 py-2 focus-visible:-outline-offset-2 sm:grid-cols-[minmax(0,1fr)_8rem_6rem]"
      >
        <span className="min-w-0">
          <span className="flex min-w-0 flex-wrap items-center gap-x-2">
            <span className="min-w-0 truncate font-medium">{visible(agent.name)}</span>
            <span className="text-faint text-xs">v{agent.version}</span>
            {agent.status !== 'active' && <Badge tone="ask">{agent.status}</Badge>}
            {agent.scope === 'global' && <Badge>every tenant</Badge>}
          </span>
          <span className="block truncate text-muted text-sm">{visible(agent.description)}</span>
        </span>
        <span className="tabular text-muted text-xs">{plural(agent.execution_count, 'execution')}</span>
        <span className="text-muted text-xs max-sm:hidden">
          <When at={agent.updated_at} />
        </span>
      </Link>
      {mayRun && (
        <Link
          to="/managed-agents/$id"
          params={{ id: agent.id }}
          search={{ run: true }}
          aria-label={`Run ${agent.name}`}
          className={cn(buttonClass('quiet', 'icon'), 'mr-2')}
        >
          <Play aria-hidden />
        </Link>
      )}
    </li>
  )
}
