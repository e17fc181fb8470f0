/** How the pauses between attempts grow. */
export interface BackOff {
  /** Milliseconds of the pause after the first failure; each further one doubles it. */
  readonly firstMs: number
  readonly longestMs: number
  /** What chance may add, as a share of the pause: 0.25 is up to a quarter. Default 0. */
  readonly jitter?: number
}

/**
 * Milliseconds to wait after so many failures in a row. Chance only adds, so a stated pause is never cut short; it keeps
 * many clients that lost one server from all coming back in the same moment.
 *
 * @param failures at least 1
 * @param random gives a number from 0 up to 1
 */
export function pauseAfter(failures: number, backOff: BackOff, random: () => number = Math.random): number {
  const pause = Math.min(backOff.longestMs, backOff.firstMs * 2 ** (failures - 1))
  return pause + pause * (backOff.jitter ?? 0) * random()
}
