import type { Registration } from '../fleet/store.ts'

/** How far a deployed version has reached the agents of its environment. */
export interface Rollout {
  /** Agents that run the bundle, or should. */
  readonly total: number
  /** Of these, the ones that reported the deployed version. */
  readonly current: number
  readonly agents: readonly RolloutAgent[]
}

export interface RolloutAgent {
  readonly agentId: string
  /** `current` acknowledged the version; `drift` reported another one; `unknown` reported none yet. */
  readonly status: 'current' | 'drift' | 'unknown'
  readonly policyVersion: string | null
  /** Microseconds since the Unix epoch. */
  readonly lastSeenAt: number | null
}

/**
 * Who acknowledged a version: agents of the environment whose last connection was for this bundle, by the revision they
 * reported last. An agent unseen since `seenSince` (microseconds) is no longer counted.
 */
export function rolloutOf(
  deployment: { readonly env: string; readonly bundleName: string },
  revisionHash: string,
  registrations: readonly Registration[],
  seenSince: number,
): Rollout {
  const agents = registrations
    .filter(
      ({ env, runningBundle, lastSeenAt }) =>
        env === deployment.env && runningBundle === deployment.bundleName && (lastSeenAt ?? 0) >= seenSince,
    )
    .map(
      ({ agentId, policyVersion, lastSeenAt }): RolloutAgent => ({
        agentId,
        status: policyVersion === null ? 'unknown' : policyVersion === revisionHash ? 'current' : 'drift',
        policyVersion,
        lastSeenAt,
      }),
    )
    .sort((a, b) => (a.agentId < b.agentId ? -1 : 1))
  return { total: agents.length, current: agents.filter((agent) => agent.status === 'current').length, agents }
}
