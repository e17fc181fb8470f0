import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { payloadText } from '../../api/payload.ts'
import type { AuditEvent } from '../../api/types.ts'
import { messageOf, Skeleton } from '../../ui/states.tsx'
import { agentQueries } from '../agents/queries.ts'
import { bundleQueries } from '../contracts/queries.ts'
import { ReasonList } from '../contracts/shared/reason-list.tsx'

/** Why the contracts decide the call as they do: every one that concerns it, and what each condition saw. */
export function WhyPanel({ event }: { event: AuditEvent }) {
  const registrations = useQuery(agentQueries.registered())
  const agent = registrations.data?.find(({ agent_id }) => agent_id === event.agent_id)
  const bundle = payloadText(event, 'bundle_name') ?? agent?.running_bundle ?? agent?.resolved_bundle ?? null
  const versions = useQuery({ ...bundleQueries.versions(bundle ?? ''), enabled: bundle !== null })
  const env = payloadText(event, 'environment') ?? agent?.env ?? ''
  const ran = payloadText(event, 'policy_version')
  const version =
    versions.data?.find(({ revision_hash }) => revision_hash === ran) ??
    versions.data?.find(({ deployed_envs }) => deployed_envs.includes(env))
  const client = useQueryClient()
  const why = useQuery({
    queryKey: ['why', event.id, bundle, version?.version],
    queryFn: async () => {
      const [yaml, { whyOf }] = await Promise.all([
        client.ensureQueryData(bundleQueries.yaml(bundle ?? '', version?.version ?? 0)),
        import('./why.ts'),
      ])
      return whyOf(event, yaml)
    },
    enabled: version !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (registrations.isSuccess && bundle === null)
    return <Note>Which bundle the agent ran is not known to this server.</Note>
  if (versions.isSuccess && !version) return <Note>The version that it ran is not on this server.</Note>
  const error = registrations.error ?? versions.error ?? why.error
  if (error) return <Note>{messageOf(error)}</Note>
  if (!why.data || !version) return <Skeleton className="h-4 w-40" />
  return (
    <div className="flex flex-col gap-2">
      <p className="text-muted text-xs">
        Judged in this browser by{' '}
        <Link
          to="/contracts/$name"
          params={{ name: bundle ?? '' }}
          search={{ version: version.version }}
          className="underline underline-offset-2"
        >
          {bundle} v{version.version}
        </Link>
        {version.revision_hash === ran ? ', which the agent ran' : ', which is deployed now'}, as the first call of its
        session.
      </p>
      {why.data.length === 0 ? <Note>No contract concerns this tool.</Note> : <ReasonList reasons={why.data} />}
    </div>
  )
}

const Note = ({ children }: { children: string }) => <p className="text-muted text-sm">{children}</p>
