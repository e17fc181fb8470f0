import type { Clock } from '../../ports/clock.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'

/** Windows kept in this process: exact for one server, forgotten at restart. */
export function inProcessRateLimiter(clock: Clock): RateLimiter {
  const windows = new Map<string, { hits: number[]; expires: number }>()
  let sweepAt = 0
  return {
    async hit(key, max, windowSeconds) {
      const now = clock.now()
      const span = windowSeconds * 1000
      if (now >= sweepAt) {
        for (const [name, window] of windows) if (window.expires <= now) windows.delete(name)
        sweepAt = now + 60_000
      }
      const window = windows.get(key) ?? { hits: [], expires: 0 }
      let stale = 0
      while (stale < window.hits.length && (window.hits[stale] ?? 0) <= now - span) stale++
      if (stale > 0) window.hits.splice(0, stale)
      const oldest = window.hits[0]
      if (oldest !== undefined && window.hits.length >= max) {
        return { allowed: false, retryAfter: Math.max(1, Math.floor((oldest + span - now) / 1000) + 1) }
      }
      window.hits.push(now)
      window.expires = now + span
      windows.set(key, window)
      return { allowed: true }
    },
  }
}
