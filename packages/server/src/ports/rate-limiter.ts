/**
 * Sliding-window limits, exact under concurrency. Where the windows cannot be read or written, every method throws `Unavailable`:
 * nobody is let through uncounted, and nobody is told that they asked too often.
 */
export interface RateLimiter {
  /** Record one attempt unless `max` were made within the last `windowSeconds`. A refused attempt is not recorded. */
  hit(key: string, max: number, windowSeconds: number): Promise<RateVerdict>
  /** Whether an attempt would be recorded now; records nothing. */
  peek(key: string, max: number, windowSeconds: number): Promise<RateVerdict>
}

export type RateVerdict =
  | { readonly allowed: true }
  | { readonly allowed: false /** Whole seconds, at least 1. */; readonly retryAfter: number }
