import type { UserCaller } from '../../http/caller.ts'
import type { DeploymentStore } from '../deployments/store.ts'
import type { AgentConnection } from '../stream/connections.ts'
import { type DriftStatus, driftOf } from './drift.ts'

export interface ConnectedAgent {
  readonly agentId: string
  readonly env: string
  readonly bundleName: string | null
  readonly policyVersion: string | null
  readonly status: DriftStatus
  /** Milliseconds since the Unix epoch. */
  readonly connectedAt: number
}

/** One entry per open stream of the tenant's agents on this process (console-api §8.7.1). */
export function fleetStatus(deps: {
  deployments: DeploymentStore
  connections: (tenantId: string) => readonly AgentConnection[]
}) {
  const { deployments, connections } = deps
  return async (caller: UserCaller, bundleName: string | null): Promise<ConnectedAgent[]> => {
    const deployed = await deployments.current(caller.tenantId)
    return connections(caller.tenantId)
      .filter((connection) => bundleName === null || connection.bundleName === bundleName)
      .map((connection) => ({
        agentId: connection.agentId,
        env: connection.env,
        bundleName: connection.bundleName,
        policyVersion: connection.policyVersion,
        status: driftOf(connection, deployed),
        connectedAt: connection.connectedAt,
      }))
  }
}
