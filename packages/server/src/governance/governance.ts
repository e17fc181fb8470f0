import type { App } from '../http/server.ts'
import type { Identity } from '../identity/identity.ts'
import type { Shared } from '../shared.ts'
import { type Bundles, bundles } from './bundles/bundles.ts'
import { bundleRoutes } from './bundles/routes.ts'
import { bundleStore } from './bundles/store.ts'
import { deployments } from './deployments/deployments.ts'
import { deploymentRoutes } from './deployments/routes.ts'
import { deploymentStore } from './deployments/store.ts'
import { signing } from './signing/signing.ts'
import { signingStore } from './signing/store.ts'

/** The governance room, put together. */
export interface Governance {
  readonly bundles: Pick<Bundles, 'currentFor'>
  routes(app: App): void
  /** Start what runs by itself. */
  start(): void
  /** Tell every live stream to come back elsewhere. */
  endStreams(): void
  stop(): Promise<void>
  connectedAgents(): number
}

export function governance(shared: Shared, people: Identity): Governance {
  const { config, database } = shared
  const signingKeys = signing({ ...shared, store: signingStore(database) })
  people.onTenantFounded(async (tenantId, within) => {
    await signingKeys.activeKey(tenantId, within)
  })

  const storedBundles = bundleStore(database)
  const storedDeployments = deploymentStore(database)
  const versions = bundles({ ...shared, store: storedBundles, deployments: storedDeployments, signing: signingKeys })
  const deploying = deployments({
    ...shared,
    store: storedDeployments,
    bundles: storedBundles,
    signing: signingKeys,
    signatureEncoding: config.streamSignature === 'base64' ? 'base64' : 'hex',
  })

  return {
    bundles: versions,
    routes(app) {
      bundleRoutes(app, { bundles: versions })
      deploymentRoutes(app, { deployments: deploying })
    },
    start() {},
    endStreams() {},
    async stop() {},
    connectedAgents: () => 0,
  }
}
