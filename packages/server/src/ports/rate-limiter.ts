/** Sliding-window limits, exact under concurrency (console-api §4.6). */
export interface RateLimiter {
  /** Record one attempt unless `max` were made within the last `windowSeconds`. A refused attempt is not recorded. */
  hit(key: string, max: number, windowSeconds: number): Promise<RateVerdict>
}

export type RateVerdict =
  | { readonly allowed: true }
  | { readonly allowed: false /** Whole seconds, at least 1. */; readonly retryAfter: number }
