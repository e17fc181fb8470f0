import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { Undo2 } from 'lucide-react'
import type { Rollout } from '../../api/types.ts'
import { BackLink } from '../../ui/back-link.tsx'
import { Badge, EnvironmentTag } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { Failure, messageOf, SkeletonRows } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { agentQueries } from '../agents/queries.ts'
import { bundleQueries, deployBundle } from './queries.ts'

/** Milliseconds between two looks while agents are still to switch. */
const LOOK_AGAIN = 2_000
const ORDER: readonly Rollout['by_agent'][number]['status'][] = ['drift', 'unknown', 'current']

/** How far a deployment has come: each agent runs it, or waits. */
export function RolloutPage() {
  const { name, id } = useParams({ from: '/inside/contracts/$name/deployments/$id' })
  const rollout = useQuery({
    ...bundleQueries.rollout(id),
    refetchInterval: ({ state: { data } }) => (data?.is_current && data.current < data.agents ? LOOK_AGAIN : false),
  })
  const data = rollout.data
  return (
    <Page
      title={data ? `${data.bundle_name} v${data.bundle_version} in ${data.env}` : name}
      lead={
        <BackLink to="/contracts/$name" params={{ name }}>
          {name}
        </BackLink>
      }
      actions={data && <Rollback rollout={data} />}
    >
      <Card className="overflow-hidden">
        {rollout.isPending ? (
          <SkeletonRows rows={4} />
        ) : rollout.isError && !data ? (
          <Failure error={rollout.error} retry={() => void rollout.refetch()} />
        ) : (
          data && <Reached rollout={data} />
        )}
      </Card>
    </Page>
  )
}

function Reached({ rollout }: { rollout: Rollout }) {
  const connected = useQuery(agentQueries.connected()).data
  const here = new Set(connected?.filter(({ env }) => env === rollout.env).map(({ agent_id }) => agent_id))
  const share = rollout.agents === 0 ? 1 : rollout.current / rollout.agents
  const agents = rollout.by_agent.toSorted(
    (a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || a.agent_id.localeCompare(b.agent_id),
  )
  return (
    <>
      <CardHeading aside={<EnvironmentTag env={rollout.env} />}>Roll-out</CardHeading>
      <div className="px-4 py-4">
        {!rollout.is_current && <p className="mb-3 text-ask text-sm">Another deployment took its place since.</p>}
        <p role="status" className="tabular font-semibold text-lg">
          {rollout.agents === 0 ? 'No agent runs this bundle here yet' : rollout.summary}
        </p>
        {rollout.agents > 0 && (
          <div aria-hidden className="mt-2 h-1.5 overflow-hidden rounded-full bg-sunken">
            <div className="h-full bg-allow transition-[width]" style={{ width: `${100 * share}%` }} />
          </div>
        )}
        {rollout.agents === 0 && <p className="mt-1 text-muted text-sm">Agents get it when they connect.</p>}
      </div>
      {agents.length > 0 && (
        <ul className="divide-y border-t" aria-label="Agents">
          {agents.map((agent) => (
            <li key={agent.agent_id} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2 text-sm">
              <Link
                to="/agents/$agent"
                params={{ agent: agent.agent_id }}
                className="min-w-0 flex-1 truncate font-mono underline-offset-2 hover:underline"
              >
                {visible(agent.agent_id)}
              </Link>
              <span className="text-muted text-xs">
                {agent.last_seen_at && (
                  <>
                    seen <When at={agent.last_seen_at} />
                  </>
                )}
              </span>
              {agent.status === 'current' ? (
                <Badge tone="allow">runs it</Badge>
              ) : connected && !here.has(agent.agent_id) ? (
                <Badge>waits: not connected</Badge>
              ) : (
                <Badge tone="ask">waits</Badge>
              )}
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

/** Deploys, by one click, what ran there before. */
function Rollback({ rollout }: { rollout: Rollout }) {
  const { env, bundle_name: name, bundle_version: version } = rollout
  const client = useQueryClient()
  const navigate = useNavigate()
  const toasts = useToasts()
  const deployments = useQuery(bundleQueries.deployments({ env, bundle_name: name }))
  const list = deployments.data ?? []
  const index = list.findIndex(({ id }) => id === rollout.deployment_id)
  const before = index < 0 ? undefined : list.slice(index + 1).find(({ bundle_version }) => bundle_version !== version)
  const back = useMutation({
    mutationFn: (to: number) => deployBundle(name, to, env),
    onSuccess: ({ id, bundle_version }) => {
      toasts.done(`${name} is back at v${bundle_version}`, `In ${env}.`)
      void navigate({ to: '/contracts/$name/deployments/$id', params: { name, id } })
    },
    onError: (error) => toasts.failed('Nothing was rolled back', messageOf(error)),
    onSettled: () =>
      client.invalidateQueries({
        predicate: ({ queryKey }) => ['bundles', 'deployments', 'agents', 'rollout'].includes(String(queryKey[0])),
      }),
  })
  if (!rollout.is_current || !before) return null
  return (
    <Button busy={back.isPending} onClick={() => back.mutate(before.bundle_version)}>
      <Undo2 aria-hidden /> Roll back to v{before.bundle_version}
    </Button>
  )
}
