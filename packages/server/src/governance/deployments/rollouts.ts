import { NotFound } from '../../errors.ts'
import type { UserCaller } from '../../identity/caller.ts'
import { scopeOf, type TenantScope } from '../../identity/scope.ts'
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
  /** Null when the version is gone. */
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

export function createRollouts(deps: {
  store: DeploymentStore
  bundleStore: BundleStore
  registrationStore: RegistrationStore
  sightings: Pick<Sightings, 'write'>
  clock: Clock
}): Rollouts {
  const { store, bundleStore, registrationStore, sightings, clock } = deps

  async function heard(scope: TenantScope) {
    await sightings.write()
    return registrationStore.list(scope)
  }
  const seenSince = () => microsOf(clock.now() - COUNTED_FOR_MS)

  return {
    async of(caller, deploymentId) {
      const deployment = await store.find(scopeOf(caller), deploymentId)
      if (!deployment) throw new NotFound('Deployment not found')
      const { env, bundleName, bundleVersion } = deployment
      const [agents, bundle, [current]] = await Promise.all([
        heard(scopeOf(caller)),
        bundleStore.find(scopeOf(caller), bundleName, bundleVersion),
        store.current(scopeOf(caller), { env, bundleName }),
      ])
      const revisionHash = bundle?.revisionHash ?? null
      return {
        deployment,
        revisionHash,
        isCurrent: current?.id === deployment.id,
        ...rolloutOf(deployment, revisionHash ?? '', agents, seenSince()),
      }
    },
    async ofCurrent(caller) {
      const [agents, current] = await Promise.all([heard(scopeOf(caller)), store.current(scopeOf(caller))])
      return new Map(
        current.map((one) => [one.id, rolloutOf(one, one.revisionHash ?? '', agents, seenSince())] as const),
      )
    },
  }
}
