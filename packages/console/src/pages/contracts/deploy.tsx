import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Rocket, TriangleAlert, Unlink } from 'lucide-react'
import { serverNow } from '../../api/clock.ts'
import { ENVIRONMENTS, type Environment } from '../../api/types.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { BackLink } from '../../ui/back-link.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { EnvironmentChoice } from '../../ui/environment-choice.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { Empty, Failure, messageOf, Skeleton, SkeletonRows } from '../../ui/states.tsx'
import { visible } from '../../ui/visible.ts'
import { agentQueries } from '../agents/queries.ts'
import { type AffectedAgent, affectedAgents } from './affected.ts'
import { Differences } from './differences.tsx'
import { bundleQueries, deployBundle } from './queries.ts'
import { readingQueries } from './reading-queries.ts'
import { Replayed } from './replayed.tsx'

/** Agents that are listed one by one. */
const LISTED = 100

/** What a deployment would change, for whom, before it is made: environment, differences, recorded calls, agents, and then yes. */
export function DeployPage() {
  const { name } = useParams({ from: '/inside/contracts/$name/deploy' })
  const search = useSearch({ from: '/inside/contracts/$name/deploy' })
  const navigate = useNavigate({ from: '/contracts/$name/deploy' })
  const versions = useQuery(bundleQueries.versions(name))
  const list = versions.data ?? []
  const version = search.version ?? list[0]?.version
  const isAstray = versions.isSuccess && !list.some((one) => one.version === version)
  const runningIn = (where: string) => list.find((one) => one.deployed_envs.includes(where))?.version
  const { env } = search
  const before = env === undefined ? undefined : runningIn(env)
  const choose = (to: Environment) => void navigate({ search: (now) => ({ ...now, env: to }) })
  useShortcuts(
    ENVIRONMENTS.map((environment, index) => ({
      keys: String(index + 1),
      label: `Choose ${environment}`,
      group: 'Deploy',
      run: () => choose(environment),
    })),
  )
  return (
    <Page
      title={`Deploy ${name}${version === undefined ? '' : ` v${version}`}`}
      lead={
        <BackLink to="/contracts/$name" params={{ name }} search={version === undefined ? {} : { version }}>
          {name}
        </BackLink>
      }
    >
      {versions.isError ? (
        <Card>
          <Failure error={versions.error} retry={() => void versions.refetch()} />
        </Card>
      ) : isAstray ? (
        <Card role="alert">
          <Empty icon={Unlink} title={`There is no version ${version}`}>
            The link leads to a version of {name} that this server does not have.
          </Empty>
        </Card>
      ) : version === undefined ? (
        <Card>
          <SkeletonRows rows={3} />
        </Card>
      ) : (
        <div className="flex flex-col gap-4">
          <Card className="p-4">
            <EnvironmentChoice
              value={env}
              onChange={choose}
              label="Where to"
              note={(where) => {
                const running = runningIn(where)
                return running === undefined
                  ? 'nothing yet'
                  : running === version
                    ? `v${running}, the same`
                    : `v${running} → v${version}`
              }}
            />
          </Card>
          {env === undefined ? (
            <p className="text-muted text-sm">
              Choose where to deploy, and see what it would change there. Nothing is deployed before you say so.
            </p>
          ) : (
            <>
              <Card aria-labelledby="changes" className="overflow-hidden">
                <CardHeading id="changes">
                  {before === undefined
                    ? 'Changes'
                    : before === version
                      ? `Changes: none`
                      : `Changes: v${before} → v${version}`}
                </CardHeading>
                <div className="px-4 py-3">
                  {before === undefined ? (
                    <p className="text-muted text-sm">
                      Nothing of {name} runs in {env} yet: every contract of it is new there.
                    </p>
                  ) : before === version ? (
                    <p className="text-muted text-sm">This version runs in {env} already.</p>
                  ) : (
                    <>
                      {version < before && <p className="mb-3 text-ask text-sm">This goes back to an older version.</p>}
                      <Differences
                        name={name}
                        from={before}
                        to={version}
                        view={search.view ?? 'contracts'}
                        onView={(view) =>
                          void navigate({
                            search: ({ view: _, ...now }) => (view === 'text' ? { ...now, view } : now),
                          })
                        }
                      />
                    </>
                  )}
                </div>
              </Card>
              <Replayed
                name={name}
                version={version}
                env={env}
                since={search.since ?? '24h'}
                onSince={(since) => void navigate({ search: (now) => ({ ...now, since }) })}
              />
              <Confirmation key={env} name={name} version={version} env={env} />
            </>
          )}
        </div>
      )}
    </Page>
  )
}

function Confirmation({ name, version, env }: { name: string; version: number; env: string }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const versions = useQuery(bundleQueries.versions(name)).data ?? []
  const connected = useQuery(agentQueries.connected())
  const registered = useQuery(agentQueries.registered())
  const readable = useQuery(readingQueries.readable(client, name, version))
  const isKnown = connected.isSuccess && registered.isSuccess && !readable.isPending
  const agents = affectedAgents(
    { env, bundle: name },
    registered.data ?? [],
    connected.data ?? [],
    readable.data,
    serverNow(),
  )
  const deploy = useMutation({
    mutationFn: () => deployBundle(name, version, env),
    onSuccess: ({ id }) => void navigate({ to: '/contracts/$name/deployments/$id', params: { name, id } }),
    onSettled: () =>
      client.invalidateQueries({
        predicate: ({ queryKey }) => ['bundles', 'deployments', 'agents', 'rollout'].includes(String(queryKey[0])),
      }),
  })
  const error = connected.error ?? registered.error
  const now = agents.filter(({ isConnected, obstacle }) => isConnected && !obstacle?.certain).length
  const hindered = agents.filter(({ obstacle }) => obstacle !== null).length
  const versionOf = (hash: string | null) => {
    const found = versions.find(({ revision_hash }) => revision_hash === hash)
    return found ? `v${found.version}` : hash === null ? 'nothing reported' : hash.slice(0, 8)
  }
  return (
    <>
      <Card aria-labelledby="affected" className="overflow-hidden">
        <CardHeading
          id="affected"
          aside={isKnown && <span className="text-muted text-xs">{plural(agents.length, 'agent')}</span>}
        >
          Affected agents
        </CardHeading>
        {error ? (
          <Failure error={error} className="py-6" />
        ) : !isKnown ? (
          <div className="px-4 py-3">
            <Skeleton className="my-1 h-4 w-56" />
          </div>
        ) : agents.length === 0 ? (
          <p className="px-4 py-3 text-muted text-sm">
            No agent runs {name} in {env}. Those that come later get it when they connect.
          </p>
        ) : (
          <ul className="max-h-80 divide-y overflow-y-auto">
            {agents.slice(0, LISTED).map((agent) => (
              <Affected key={agent.id} agent={agent} runs={versionOf(agent.runs)} />
            ))}
            {agents.length > LISTED && (
              <li className="px-4 py-2 text-muted text-xs">and {plural(agents.length - LISTED, 'more agent')}</li>
            )}
          </ul>
        )}
        {readable.isError && (
          <p className="border-t px-4 py-2 text-ask text-sm">
            Which SDKs read this version could not be told: {messageOf(readable.error)}
          </p>
        )}
      </Card>
      <Card className="flex flex-wrap items-center justify-between gap-3 px-4 py-3">
        <p className="min-w-0 flex-1 text-pretty text-sm">
          {isKnown && (
            <>
              {now > 0
                ? `${plural(now, 'connected agent')} in ${env} will switch at once, without a restart.`
                : `No connected agent runs this bundle in ${env}.`}
              {hindered > 0 && (
                <span className="text-ask"> {plural(hindered, 'agent')} may keep the contracts of before.</span>
              )}
            </>
          )}
          <span role="alert" className="block text-deny">
            {deploy.isError && messageOf(deploy.error)}
          </span>
        </p>
        <Button variant="primary" size="lg" busy={deploy.isPending} onClick={() => deploy.mutate()}>
          <Rocket aria-hidden /> Deploy to {env}
        </Button>
      </Card>
    </>
  )
}

function Affected({ agent, runs }: { agent: AffectedAgent; runs: string }) {
  return (
    <li className="px-4 py-2 text-sm">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="min-w-0 flex-1 break-all font-mono">{visible(agent.id)}</span>
        <span className="text-muted text-xs">{runs}</span>
        {agent.isConnected ? <Badge tone="allow">connected</Badge> : <Badge>not connected</Badge>}
      </div>
      {agent.obstacle && (
        <p className="mt-1 flex items-start gap-1.5 text-pretty text-ask text-xs">
          <TriangleAlert className="mt-0.5 size-3.5 shrink-0" aria-hidden />
          <span className="min-w-0 [overflow-wrap:anywhere]">{agent.obstacle.reason}</span>
        </p>
      )}
    </li>
  )
}
