import type { TenantScope } from '../../identity/scope.ts'
import type { Micros } from '../../storage/instants.ts'
import type { Bundle } from './store.ts'

/** Which versions are in force, as the library of bundles asks for it. */
export interface DeployedVersions {
  /** The newest deployment of each environment and name. */
  current(
    scope: TenantScope,
    filter: { env?: string; bundleName?: string },
  ): Promise<readonly { readonly env: string; readonly bundleVersion: number }[]>
  /** The version that the newest deployment of the name in the environment put there. */
  currentBundle(scope: TenantScope, env: string, name: string): Promise<Bundle | undefined>
  /** When each name was last deployed to each environment. */
  lastDeployed(
    scope: TenantScope,
  ): Promise<readonly { readonly bundleName: string; readonly env: string; readonly lastAt: Micros }[]>
}
