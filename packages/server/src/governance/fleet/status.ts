import type { UserCaller } from '../../http/caller.ts'
import type { DeploymentStore } from '../deployments/store.ts'
import { type DriftStatus, driftOf } from './drift.ts'
import type { Presence, PresentAgent } from './presence.ts'

export interface ConnectedAgent extends PresentAgent {
  readonly status: DriftStatus
}

/** One entry per open stream of the tenant's agents (console-api §8.7.1). */
export function fleetStatus(deps: { deployments: DeploymentStore; presence: Presence }) {
  const { deployments, presence } = deps
  return async ({ tenantId }: UserCaller, bundleName: string | null): Promise<ConnectedAgent[]> => {
    const [present, deployed] = await Promise.all([presence.of(tenantId), deployments.current(tenantId)])
    return present
      .filter((agent) => bundleName === null || agent.bundleName === bundleName)
      .map((agent) => ({ ...agent, status: driftOf(agent, deployed) }))
  }
}
