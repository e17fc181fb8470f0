import { type BackOff, pauseAfter } from './back-off.ts'

/** What came of an attempt, and whether another may be made: after what the server asked for, if it did. */
export type Outcome<T> =
  | { readonly value: T }
  | { readonly error: unknown; readonly again: boolean; readonly askedMs?: number | undefined }

export interface RetryRules {
  /** Attempts in all, at least 1. */
  readonly attempts: number
  readonly backOff: BackOff
  /** Rejects when the caller does not want to wait any longer. */
  sleep(ms: number): Promise<void>
  random(): number
}

/** A server that asks for more patience than this is not waited for; the caller hears of its refusal instead. */
const LONGEST_ASKED_MS = 60_000

/** Make attempts until one succeeds, one may not be repeated, or all are used up. @throws the error of the last attempt */
export async function retry<T>(rules: RetryRules, attempt: () => Promise<Outcome<T>>): Promise<T> {
  for (let failures = 1; ; failures++) {
    const outcome = await attempt()
    if ('value' in outcome) return outcome.value
    const { error, again, askedMs } = outcome
    const pause = pauseBefore(failures, rules, askedMs)
    if (!again || failures >= rules.attempts || pause === null) throw error
    await rules.sleep(pause)
  }
}

/**
 * Milliseconds to wait after so many failures in a row: what the server asked for, else the back-off's. null: it asked for
 * more than anybody should be kept waiting without knowing.
 */
export function pauseBefore(
  failures: number,
  { backOff, random }: Pick<RetryRules, 'backOff' | 'random'>,
  askedMs: number | undefined,
): number | null {
  if (askedMs === undefined) return pauseAfter(failures, backOff, random)
  return askedMs > LONGEST_ASKED_MS ? null : askedMs
}
