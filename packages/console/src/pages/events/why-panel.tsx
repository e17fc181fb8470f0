import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { FlaskConical } from 'lucide-react'
import type { AuditEvent } from '../../api/types.ts'
import { buttonClass } from '../../ui/button.tsx'
import { messageOf, Skeleton } from '../../ui/states.tsx'
import { bundleQueries } from '../contracts/queries.ts'
import { ReasonList } from '../contracts/shared/reason-list.tsx'
import { useRan } from './shared/use-ran.ts'

/** Why the contracts decide the call as they do: every one that concerns it, and what each condition saw. */
export function WhyPanel({ event }: { event: AuditEvent }) {
  const { bundle, version, isSaid, why: missing, error: failed } = useRan(event)
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
    enabled: version !== null,
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (missing) return <Note>{missing}</Note>
  const error = failed ?? why.error
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
        {isSaid ? ', which the agent ran' : ', which is deployed now'}, as the first call of its session.
      </p>
      {why.data.length === 0 ? <Note>No contract concerns this tool.</Note> : <ReasonList reasons={why.data} />}
      <Link
        to="/playground"
        search={{ event: event.id, bundle: bundle ?? '', version: version.version }}
        className={`${buttonClass('secondary', 'sm')} self-start`}
      >
        <FlaskConical aria-hidden /> Change it in the playground
      </Link>
    </div>
  )
}

const Note = ({ children }: { children: string }) => <p className="text-muted text-sm">{children}</p>
