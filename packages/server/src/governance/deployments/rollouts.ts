import { NotFound } from '../../errors.ts'
import type { UserCaller } from '../../http/caller.ts'
import type { Clock } from '../../ports/clock.ts'
import { microsOf } from '../../storage/instants.ts'
import type { BundleStore } from '../bundles/store.ts'
import type { Sightings } from '../fleet/sightings.ts'
import type { RegistrationStore } from '../fleet/store.ts'
import { type Rollout, rolloutOf } from './rollout.ts'
import type { Deployment, DeploymentStore } from './store.ts'

/** An agent unseen for this long is taken to be gone. Connected ones are seen at least once an hour. */
const COUNTED_FOR_MS = 24 * 3_600_000

export interface DeploymentRollout extends Rollout {
  readonly deployment: Deployment
  /** Null when the version's row is gone. */
  readonly revisionHash: string | null
  /** Whether it is still the newest of its environment and bundle. */
  readonly isCurrent: boolean
}

export interface Rollouts {
  /** @throws NotFound. */
  of(caller: UserCaller, deploymentId: string): Promise<DeploymentRollout>
  /** For a list: by deployment id, only those still in force. */
  ofCurrent(caller: UserCaller): Promise<ReadonlyMap<string, Pick<Rollout, 'total' | 'current'>>>
}

export function rollouts(deps: {
  store: DeploymentStore
  bundles: BundleStore
  registrations: RegistrationStore
  sightings: Pick<Sightings, 'write'>
  clock: Clock
}): Rollouts {
  const { store, bundles, registrations, sightings, clock } = deps

  async function heard(tenantId: string) {
    await sightings.write()
    return registrations.list(tenantId)
  }
  const seenSince = () => microsOf(clock.now() - COUNTED_FOR_MS)

  return {
    async of({ tenantId }, deploymentId) {
      const deployment = await store.find(tenantId, deploymentId)
      if (!deployment) throw new NotFound('Deployment not found')
      const { env, bundle_name, bundle_version } = deployment
      const [agents, bundle, [current]] = await Promise.all([
        heard(tenantId),
        bundles.find(tenantId, bundle_name, bundle_version),
        store.current(tenantId, { env, bundleName: bundle_name }),
      ])
      const revisionHash = bundle?.revision_hash ?? null
      return {
        deployment,
        revisionHash,
        isCurrent: current?.id === deployment.id,
        ...rolloutOf(deployment, revisionHash ?? '', agents, seenSince()),
      }
    },
    async ofCurrent({ tenantId }) {
      const [agents, current] = await Promise.all([heard(tenantId), store.current(tenantId)])
      return new Map(
        current.map((one) => [one.id, rolloutOf(one, one.revision_hash ?? '', agents, seenSince())] as const),
      )
    },
  }
}
