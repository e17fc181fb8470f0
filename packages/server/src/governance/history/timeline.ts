/** Events of an agent, one after the other, that reported the same revision. */
export interface VersionRun {
  readonly policyVersion: string
  /** Microseconds since the Unix epoch, of the first. */
  readonly start: number
}

export interface DeployedAt {
  readonly bundleName: string
  readonly bundleVersion: number
  readonly deployedBy: string
  /** Null when the version is gone. */
  readonly revisionHash: string | null
  readonly createdAt: number
}

export type TimelineEntry =
  | { readonly type: 'first_seen'; readonly at: number; readonly env: string }
  | { readonly type: 'deployment'; readonly at: number; readonly deployment: DeployedAt }
  | {
      readonly type: 'drift_detected'
      readonly at: number
      readonly expected: string
      readonly actual: string | null
    }
  | {
      readonly type: 'drift_resolved'
      readonly at: number
      readonly policyVersion: string
      readonly seconds: number
    }

/**
 * What happened to an agent's contracts, newest first: when it was first seen, each deployment, and from
 * when to when it still ran something else.
 *
 * @param deployments of the agent's environment
 * @param runs oldest first
 */
export function timelineOf(
  firstSeen: { readonly at: number; readonly env: string },
  deployments: readonly DeployedAt[],
  runs: readonly VersionRun[],
): TimelineEntry[] {
  const entries: TimelineEntry[] = [{ type: 'first_seen', ...firstSeen }]
  const hashes = new Set(deployments.map((deployment) => deployment.revisionHash))
  // An agent that never ran one of these runs contracts of its own: it does not drift.
  const isTracked = runs.some((run) => hashes.has(run.policyVersion))
  for (const deployment of deployments) {
    const at = deployment.createdAt
    entries.push({ type: 'deployment', at, deployment })
    if (isTracked && deployment.revisionHash !== null) entries.push(...driftAfter(at, deployment.revisionHash, runs))
  }
  return entries.sort((a, b) => b.at - a.at || rank[b.type] - rank[a.type])
}

/** Of one instant, what follows from another stands above it. */
const rank = { first_seen: 0, deployment: 1, drift_detected: 2, drift_resolved: 3 } as const

function driftAfter(at: number, hash: string, runs: readonly VersionRun[]): TimelineEntry[] {
  const before = runs.findLast((run) => run.start < at)
  if (before?.policyVersion === hash) return []
  const sync = runs.find((run) => run.start >= at && run.policyVersion === hash)
  const detected: TimelineEntry = {
    type: 'drift_detected',
    at,
    expected: hash,
    actual: before?.policyVersion ?? null,
  }
  if (!sync) return [detected]
  const seconds = Math.floor((sync.start - at) / 1_000_000)
  if (seconds === 0) return []
  return [detected, { type: 'drift_resolved', at: sync.start, policyVersion: hash, seconds }]
}
