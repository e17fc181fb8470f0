/** Whether an agent runs what is deployed. */
export type DriftStatus = 'current' | 'drift' | 'unknown'

export interface DeployedBundle {
  readonly env: string
  readonly bundleName: string
  /** Null when the version is gone. */
  readonly revisionHash: string | null
}

/**
 * Compare what an agent reported with its own bundle's deployment, or with the environment's newest when it runs no
 * particular one.
 *
 * @param deployed the newest deployment of each environment and name, newest first
 */
export function driftOf(
  agent: { env: string; bundleName: string | null; policyVersion: string | null },
  deployed: readonly DeployedBundle[],
): DriftStatus {
  const considered = deployed.find(
    (one) => one.env === agent.env && (agent.bundleName === null || one.bundleName === agent.bundleName),
  )
  if (agent.policyVersion === null || !considered?.revisionHash) return 'unknown'
  return considered.revisionHash === agent.policyVersion ? 'current' : 'drift'
}
