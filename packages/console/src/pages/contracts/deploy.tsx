import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { BundleVersion, Environment } from '../../api/types.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { EnvironmentChoice } from '../../ui/environment-choice.tsx'
import { plural } from '../../ui/plural.ts'
import { messageOf } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { agentQueries } from '../agents/queries.ts'
import { Changes } from './changes.tsx'
import { deployBundle } from './queries.ts'

interface DeployProps {
  readonly name: string
  readonly version: number
  readonly versions: readonly BundleVersion[]
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
}

/** Says what will change where, then does it. */
export function Deploy({ name, version, versions, open, onOpenChange }: DeployProps) {
  const client = useQueryClient()
  const toasts = useToasts()
  const [env, setEnv] = useState<Environment>('production')
  const agents = useQuery(agentQueries.connected()).data ?? []
  const runningIn = (where: string) => versions.find((v) => v.deployed_envs.includes(where))?.version
  const affected = agents.filter((agent) => agent.env === env && agent.bundle_name === name).length
  const before = runningIn(env)

  const deploy = useMutation({
    mutationFn: () => deployBundle(name, version, env),
    onSuccess: () => {
      toasts.done(
        `${name} v${version} is live in ${env}`,
        affected > 0 ? `Pushed to ${plural(affected, 'agent')}.` : 'Agents get it when they connect.',
      )
      onOpenChange(false)
    },
    onSettled: () =>
      client.invalidateQueries({
        predicate: ({ queryKey }) => ['bundles', 'deployments', 'agents'].includes(String(queryKey[0])),
      }),
  })
  const change = (next: boolean) => {
    deploy.reset()
    onOpenChange(next)
  }
  return (
    <Dialog
      open={open}
      onOpenChange={change}
      title={`Deploy ${name} v${version}`}
      description="It takes effect without a restart."
      className="max-w-2xl"
    >
      <EnvironmentChoice
        value={env}
        onChange={setEnv}
        note={(where) => {
          const running = runningIn(where)
          return running === undefined
            ? 'nothing yet'
            : running === version
              ? `v${running}, the same`
              : `v${running} → v${version}`
        }}
      />
      {before !== undefined && before !== version && <Changes name={name} from={before} to={version} />}
      <p className="mt-3 min-h-5.5 text-pretty text-muted text-sm">
        {before !== undefined && version < before && (
          <span className="text-ask">This goes back to an older version. </span>
        )}
        {affected > 0
          ? `${plural(affected, 'agent')} in ${env} will switch at once.`
          : `No connected agent runs this bundle in ${env}.`}
      </p>
      <p role="alert" className="min-h-5 text-deny text-sm">
        {deploy.isError && messageOf(deploy.error)}
      </p>
      <div className="mt-2 flex justify-end gap-2">
        <Button onClick={() => change(false)}>Cancel</Button>
        <Button variant="primary" busy={deploy.isPending} onClick={() => deploy.mutate()}>
          Deploy to {env}
        </Button>
      </div>
    </Dialog>
  )
}
