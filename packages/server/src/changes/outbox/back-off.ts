import { type BackOff, pauseAfter } from '@lictor/wire'

const backOff: BackOff = { firstMs: 5_000, longestMs: 300_000 }
const OLDEST_MS = 24 * 3_600_000
/** What is wrong with a request may be mended by its owner meanwhile; these tries span a little more than a minute. */
const PERMANENT_ATTEMPTS = 5

/**
 * When to try again, in milliseconds from now; null to give up. Doubling from five seconds to five minutes, for a day.
 *
 * @param attempts made so far, at least 1
 * @param ageMs since it was first to be sent
 */
export function nextAttemptIn(
  attempts: number,
  ageMs: number,
  failure: { readonly isPermanent: boolean; readonly retryAfterMs: number | null },
): number | null {
  if (ageMs >= OLDEST_MS || (failure.isPermanent && attempts >= PERMANENT_ATTEMPTS)) return null
  return Math.max(pauseAfter(attempts, backOff), Math.min(failure.retryAfterMs ?? 0, OLDEST_MS))
}
