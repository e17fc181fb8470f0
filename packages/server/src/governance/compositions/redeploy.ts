import type { Emit } from '../../changes/stream-log.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { BundleStore } from '../bundles/store.ts'
import type { Deployments } from '../deployments/deployments.ts'
import type { Deployment, DeploymentStore } from '../deployments/store.ts'
import type { AssembledContract, requireSound } from './assembly.ts'
import type { Composition } from './store.ts'

/** What a deployment of a composition did. */
export interface ComposedDeployment {
  readonly bundleVersion: number
  /** As kept with the bundle. */
  readonly contracts: readonly AssembledContract[]
  /** One per environment, in their order. */
  readonly deployments: readonly Deployment[]
}

export interface Deployer {
  /**
   * Within the caller's transaction: keep the assembled bundle as a new version, sign it, put it into force in each of the
   * environments, and tell.
   */
  deploy(
    order: {
      composition: Composition
      assembled: ReturnType<typeof requireSound>
      actor: string
      environments: readonly string[]
    },
    within: Queryable,
    emit: Emit,
  ): Promise<ComposedDeployment>
  /** Environments that run a bundle made from this composition now. */
  environmentsOf(composition: Composition, within: Queryable): Promise<string[]>
}

export function createDeployer(deps: {
  bundleStore: BundleStore
  deploymentStore: DeploymentStore
  deployments: Pick<Deployments, 'deployWithin'>
  clock: Clock
  random: Random
}): Deployer {
  const { bundleStore, deploymentStore, deployments, clock, random } = deps
  return {
    async deploy({ composition, assembled, actor, environments }, within, emit) {
      const { tenantId, name } = composition
      const scope = scopeOfRecord(composition)
      await bundleStore.lockName(scope, name, within)
      const version = (await bundleStore.latestVersion(scope, name, within)) + 1
      await bundleStore.insert(
        {
          id: random.uuid(),
          tenantId,
          name,
          version,
          revisionHash: assembled.bundle.hash,
          yamlBytes: Buffer.from(assembled.text),
          signature: null,
          contractCount: assembled.bundle.document.contracts.length,
          sourceHubSlug: null,
          sourceHubRevision: null,
          uploadedBy: actor,
          compositionId: composition.id,
          compositionSnapshot: JSON.stringify(assembled.contracts),
          createdAt: microsOf(clock.now()),
        },
        within,
      )
      const made: Deployment[] = []
      for (const env of environments)
        made.push(await deployments.deployWithin({ tenantId, actor, name, version, env }, within, emit))
      emit({
        tenantId,
        type: 'composition_changed',
        data: { composition_name: name, bundle_version: version },
        dashboard: true,
      })
      return { bundleVersion: version, contracts: assembled.contracts, deployments: made }
    },

    async environmentsOf({ id, tenantId, name }, within) {
      const scope = scopeOfRecord({ tenantId })
      const current = await deploymentStore.current(scope, { bundleName: name }, within)
      const environments: string[] = []
      for (const { env, bundleVersion } of current) {
        const bundle = await bundleStore.find(scope, name, bundleVersion, within)
        // Another bundle of the same name, uploaded since, is somebody's decision: it is not replaced unasked.
        if (bundle?.compositionId === id) environments.push(env)
      }
      return environments.sort()
    },
  }
}
