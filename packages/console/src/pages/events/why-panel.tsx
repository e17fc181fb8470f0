import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Check, Minus, TriangleAlert } from 'lucide-react'
import { payloadText } from '../../api/payload.ts'
import type { AuditEvent } from '../../api/types.ts'
import { Badge } from '../../ui/badge.tsx'
import { messageOf, Skeleton } from '../../ui/states.tsx'
import { visible } from '../../ui/visible.ts'
import { agentQueries } from '../agents/queries.ts'
import { bundleQueries } from '../contracts/queries.ts'
import type { Leaf, Reason } from './why.ts'

/** Characters of a value that are shown. */
const SHOWN = 160

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
      {why.data.length === 0 ? (
        <Note>No contract concerns this tool.</Note>
      ) : (
        <ul className="divide-y rounded-md border bg-sunken">
          {why.data.map((reason) => (
            <Row key={`${reason.type} ${reason.id}`} reason={reason} />
          ))}
        </ul>
      )}
    </div>
  )
}

const Note = ({ children }: { children: string }) => <p className="text-muted text-sm">{children}</p>

function Row({ reason }: { reason: Reason }) {
  return (
    <li className="px-3 py-1.5 text-sm">
      <p className="flex flex-wrap items-center gap-x-2">
        <span className="min-w-0 break-all">{visible(reason.id)}</span>
        <span className="text-muted text-xs">{reason.type}</span>
        {reason.mode === 'observe' && <Badge tone="observe">observe</Badge>}
        <span className="ml-auto">
          {reason.fired ? <Badge tone="deny">fires</Badge> : <Badge>does not fire</Badge>}
        </span>
      </p>
      {reason.leaves.length > 0 && (
        <ul className="mt-1 flex flex-col gap-0.5">
          {reason.leaves.map((leaf, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a condition never move
            <LeafRow key={index} leaf={leaf} />
          ))}
        </ul>
      )}
    </li>
  )
}

function LeafRow({ leaf }: { leaf: Leaf }) {
  const json = (value: unknown) => visible((JSON.stringify(value) ?? 'nothing').slice(0, SHOWN))
  return (
    <li className="flex items-start gap-1.5 text-xs [&_svg]:mt-0.5 [&_svg]:size-3 [&_svg]:shrink-0">
      {leaf.result === null ? (
        <TriangleAlert className="text-ask" aria-label="could not be judged" />
      ) : leaf.result ? (
        <Check className="text-deny" aria-label="holds" />
      ) : (
        <Minus className="text-faint" aria-label="does not hold" />
      )}
      <code className="min-w-0 font-mono [overflow-wrap:anywhere]">
        {leaf.selector} {leaf.operator} {json(leaf.argument)}
        <span className="block text-muted">
          {leaf.error ?? (leaf.isPresent ? `it is ${json(leaf.value)}` : 'it is not there')}
        </span>
      </code>
    </li>
  )
}
