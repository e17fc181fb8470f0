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

/**
 * Which item has the selection after the list changed. It follows the item; when that is gone, the one that took its
 * place; never jumps to the top by itself.
 */
export function followSelection(
  before: readonly string[],
  after: readonly string[],
  selected: string | null,
): string | null {
  if (selected !== null && after.includes(selected)) return selected
  const place = selected === null ? 0 : before.indexOf(selected)
  const later = before.slice(place + 1).find((id) => after.includes(id))
  if (later) return later
  return before.slice(0, Math.max(0, place)).findLast((id) => after.includes(id)) ?? after[0] ?? null
}
