import type { LiveEventType } from '../api/types.ts'

/** Which resources a live event makes stale; the names are the first elements of query keys. */
export const REFRESHES: Readonly<Record<LiveEventType, readonly string[]>> = {
  contract_update: ['agents'],
  bundle_uploaded: ['bundles'],
  bundle_deployed: ['bundles', 'deployments', 'agents'],
  composition_changed: ['bundles'],
  contract_created: [],
  contract_updated: [],
  approval_created: ['approvals', 'stats'],
  approval_decided: ['approvals', 'stats'],
  approval_timeout: ['approvals', 'stats'],
  assignment_changed: ['agents'],
  event_created: ['events', 'stats', 'histogram'],
  api_key_created: ['keys'],
  api_key_revoked: ['keys'],
  signing_key_rotated: ['bundles'],
}

/**
 * Collects names and hands them on at once, then at most every `interval` milliseconds: a busy fleet sends many batches a
 * second, and nobody reads faster than this.
 */
export function throttleByName(
  run: (names: ReadonlySet<string>) => void,
  interval: number,
  later: (run: () => void, milliseconds: number) => void,
): (names: readonly string[]) => void {
  let waiting = new Set<string>()
  let resting = false
  const flush = () => {
    if (waiting.size === 0) {
      resting = false
      return
    }
    const names = waiting
    waiting = new Set()
    resting = true
    run(names)
    later(flush, interval)
  }
  return (names) => {
    for (const name of names) waiting.add(name)
    if (!resting) flush()
  }
}
