import type { UserCaller } from '../../identity/caller.ts'
import { scopeOf, type TenantScope } from '../../identity/scope.ts'
import { type DeployedBundle, type DriftStatus, driftOf } from './drift.ts'
import type { Presence, PresentAgent } from './presence.ts'

export interface ConnectedAgent extends PresentAgent {
  readonly status: DriftStatus
}

/** The open streams of the tenant's agents; of one bundle's where it is named. */
export type Status = (caller: UserCaller, bundleName: string | null) => Promise<ConnectedAgent[]>

/** One entry per open stream of the tenant's agents. */
export function createStatus(deps: {
  /** The newest deployment of each environment and name, newest first. */
  deployments: { current(scope: TenantScope): Promise<readonly DeployedBundle[]> }
  presence: Presence
}): Status {
  const { deployments, presence } = deps
  return async (caller, bundleName) => {
    const scope = scopeOf(caller)
    const [present, deployed] = await Promise.all([presence.of(scope), deployments.current(scope)])
    return present
      .filter((agent) => bundleName === null || agent.bundleName === bundleName)
      .map((agent) => ({ ...agent, status: driftOf(agent, deployed) }))
  }
}
