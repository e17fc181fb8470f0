import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Rocket } from 'lucide-react'
import { EnvironmentTag } from '../../ui/badge.tsx'
import { plural } from '../../ui/plural.ts'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import { When } from '../../ui/when.tsx'
import { bundleQueries, DEPLOYMENTS } from './queries.ts'

/** What went where, newest first; of one bundle when it is named. */
export function Deployments({ bundle }: { bundle?: string }) {
  const deployments = useQuery(bundleQueries.deployments(bundle ? { bundle_name: bundle } : {}))
  if (deployments.isPending) return <SkeletonRows rows={4} />
  if (deployments.isError && !deployments.data)
    return <Failure error={deployments.error} retry={() => void deployments.refetch()} />
  if (deployments.data.length === 0)
    return (
      <Empty icon={Rocket} title="Nothing deployed yet" className="py-10">
        A deployment signs a version and pushes it to every agent of the environment at once.
      </Empty>
    )
  return (
    <ul className="divide-y">
      {deployments.data.map((deployment) => (
        <li
          key={deployment.id}
          className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-0.5 px-4 py-2.5 sm:grid-cols-[minmax(0,1.4fr)_8rem_minmax(0,1fr)_8rem_6rem]"
        >
          <Link
            to="/contracts/$name"
            params={{ name: deployment.bundle_name }}
            search={{ version: deployment.bundle_version }}
            className="truncate underline-offset-2 hover:underline"
          >
            {!bundle && <span className="font-medium">{deployment.bundle_name} </span>}
            <span className="tabular text-muted">
              {bundle ? `Version ${deployment.bundle_version}` : `v${deployment.bundle_version}`}
            </span>
          </Link>
          <EnvironmentTag env={deployment.env} />
          <span className="truncate text-muted text-sm">{deployment.deployed_by}</span>
          <span className="text-xs">
            <Link
              to="/contracts/$name/deployments/$id"
              params={{ name: deployment.bundle_name, id: deployment.id }}
              className="text-muted underline-offset-2 hover:text-ink hover:underline"
            >
              {deployment.rollout === null
                ? 'replaced'
                : deployment.rollout.agents === 0
                  ? 'no agent yet'
                  : `${deployment.rollout.current} of ${plural(deployment.rollout.agents, 'agent')}`}
            </Link>
          </span>
          <span className="text-muted text-xs sm:text-right">
            <When at={deployment.created_at} />
          </span>
        </li>
      ))}
      {deployments.data.length === DEPLOYMENTS && (
        <li className="px-4 py-2.5 text-center text-muted text-xs">
          These are the latest {DEPLOYMENTS}. There may be earlier ones, not shown.
        </li>
      )}
    </ul>
  )
}
