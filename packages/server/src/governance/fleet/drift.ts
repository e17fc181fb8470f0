/** Whether an agent runs what is deployed (console-api §8.7.1). */
export type DriftStatus = 'current' | 'drift' | 'unknown'

export interface DeployedBundle {
  readonly env: string
  readonly bundle_name: string
  /** Null when the version's row is gone. */
  readonly revision_hash: string | null
}

/**
 * Compare what an agent reported with its own bundle's deployment, or with the environment's newest when it runs no
 * particular one (decision D12).
 *
 * @param deployed the newest deployment of each environment and name, newest first
 */
export function driftOf(
  agent: { env: string; bundleName: string | null; policyVersion: string | null },
  deployed: readonly DeployedBundle[],
): DriftStatus {
  const considered = deployed.find(
    (one) => one.env === agent.env && (agent.bundleName === null || one.bundle_name === agent.bundleName),
  )
  if (agent.policyVersion === null || !considered?.revision_hash) return 'unknown'
  return considered.revision_hash === agent.policyVersion ? 'current' : 'drift'
}
