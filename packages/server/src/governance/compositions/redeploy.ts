import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { BundleStore } from '../bundles/store.ts'
import type { DeploymentInfo, Deployments } from '../deployments/deployments.ts'
import type { DeploymentStore } from '../deployments/store.ts'
import type { Emit } from '../stream/log.ts'
import type { AssembledContract, requireSound } from './assembly.ts'
import type { Composition } from './store.ts'

/** What a deployment of a composition did. */
export interface ComposedDeployment {
  readonly bundleVersion: number
  /** As kept with the bundle. */
  readonly contracts: readonly AssembledContract[]
  /** One per environment, in their order. */
  readonly deployments: readonly DeploymentInfo[]
}

export interface CompositionDeployer {
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

export function compositionDeployer(deps: {
  bundles: BundleStore
  stored: DeploymentStore
  deployments: Pick<Deployments, 'deployWithin'>
  clock: Clock
  random: Random
}): CompositionDeployer {
  const { bundles, stored, deployments, clock, random } = deps
  return {
    async deploy({ composition, assembled, actor, environments }, within, emit) {
      const { tenant_id, name } = composition
      await bundles.lockName(tenant_id, name, within)
      const version = (await bundles.latestVersion(tenant_id, name, within)) + 1
      await bundles.insert(
        {
          id: random.uuid(),
          tenant_id,
          name,
          version,
          revision_hash: assembled.bundle.hash,
          yaml_bytes: Buffer.from(assembled.text),
          signature: null,
          contract_count: assembled.bundle.document.contracts.length,
          source_hub_slug: null,
          source_hub_revision: null,
          uploaded_by: actor,
          composition_id: composition.id,
          composition_snapshot: JSON.stringify(assembled.contracts),
          created_at: microsOf(clock.now()),
        },
        within,
      )
      const made: DeploymentInfo[] = []
      for (const env of environments)
        made.push(await deployments.deployWithin({ tenantId: tenant_id, actor, name, version, env }, within, emit))
      emit({
        tenantId: tenant_id,
        type: 'composition_changed',
        data: { composition_name: name, bundle_version: version },
        dashboard: true,
      })
      return { bundleVersion: version, contracts: assembled.contracts, deployments: made }
    },

    async environmentsOf({ id, tenant_id, name }, within) {
      const current = await stored.current(tenant_id, { bundleName: name }, within)
      const environments: string[] = []
      for (const { env, bundle_version } of current) {
        const bundle = await bundles.find(tenant_id, name, bundle_version, within)
        // Another bundle of the same name, uploaded since, is somebody's decision: it is not replaced unasked.
        if (bundle?.composition_id === id) environments.push(env)
      }
      return environments.sort()
    },
  }
}
