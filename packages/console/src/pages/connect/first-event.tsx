import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Check, Radio } from 'lucide-react'
import type { Environment } from '../../api/types.ts'
import { VerdictBadge } from '../../ui/badge.tsx'
import { buttonClass } from '../../ui/button.tsx'
import { cn } from '../../ui/cn.ts'
import { Card } from '../../ui/page.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { agentQueries } from '../agents/queries.ts'
import { bundleQueries } from '../contracts/queries.ts'
import { eventQueries } from '../events/queries.ts'

/** Waits for the agent: first for its stream, then for its first event. The events query is refreshed by the live stream. */
export function FirstEvent({ agentId, env }: { agentId: string; env: Environment }) {
  const event = useQuery({
    ...eventQueries.list({ agent_id: agentId, limit: 1 }),
    select: (list) => list[0] ?? null,
  }).data
  const connected = useQuery(agentQueries.connected()).data?.find((agent) => agent.agent_id === agentId)
  const bundles = useQuery(bundleQueries.all()).data
  const deployed = bundles?.some(({ deployed_envs }) => deployed_envs.includes(env))
  return (
    <Card
      role="status"
      aria-label="Connection"
      data-state={event ? 'received' : 'waiting'}
      className={cn('min-h-44 p-5 transition-colors duration-300', event && 'border-allow/50 bg-allow-soft')}
    >
      <span
        aria-hidden
        className={cn(
          'grid size-9 place-items-center rounded-full',
          event ? 'bg-allow text-surface' : 'bg-accent-soft text-accent',
        )}
      >
        {event ? <Check className="size-5" /> : <Radio className="size-5 animate-shimmer" />}
      </span>
      <h2 className="mt-3 font-semibold">
        {event ? 'Events are arriving' : connected ? 'Connected' : 'Waiting for the agent'}
      </h2>
      {event ? (
        <>
          <p className="mt-1 text-muted">
            {agentId} called <code className="font-mono text-sm">{visible(event.tool_name)}</code>{' '}
            <When at={event.timestamp} />.
          </p>
          <p className="mt-2">
            <VerdictBadge verdict={event.verdict} className="bg-surface" />
          </p>
          <Link to="/events" search={{ agent_id: agentId }} className={cn(buttonClass(), 'mt-4')}>
            See its events
          </Link>
        </>
      ) : (
        <p className="mt-1 text-pretty text-muted">
          {connected
            ? `${agentId} is here. Its first governed call shows up in a few seconds.`
            : `This turns green as soon as ${agentId} makes its first governed call.`}
        </p>
      )}
      {deployed === false && (
        <p className="mt-3 text-pretty text-ask text-sm">
          Nothing is deployed in {env} yet.{' '}
          <Link to="/contracts" className="underline underline-offset-2">
            Deploy a bundle first.
          </Link>
        </p>
      )}
    </Card>
  )
}
