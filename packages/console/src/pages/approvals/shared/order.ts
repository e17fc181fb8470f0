import type { Approval } from '../../../api/types.ts'

/** When the time of an approval is over, in milliseconds since 1970. */
export const expiryOf = (approval: Approval): number =>
  Date.parse(approval.created_at) + approval.timeout_seconds * 1_000

/** How many can still be decided; one whose time is up cannot, though the server may take seconds to say so. */
export const countOpen = (approvals: readonly Approval[], now: number): number => byUrgency(approvals, now).length

/** Those still to decide, the one that runs out first on top; a new arrival therefore seldom moves what is read. */
export function byUrgency(approvals: readonly Approval[], now: number): readonly Approval[] {
  return approvals
    .filter((approval) => approval.status === 'pending' && expiryOf(approval) > now)
    .sort((a, b) => expiryOf(a) - expiryOf(b) || (a.id < b.id ? -1 : 1))
}
