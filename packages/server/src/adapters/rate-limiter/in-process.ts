import type { Clock } from '../../ports/clock.ts'
import type { RateLimiter, RateVerdict } from '../../ports/rate-limiter.ts'

/** Windows kept in this process: exact for one server, forgotten at restart. */
export function createInProcessRateLimiter(clock: Clock): RateLimiter {
  const windows = new Map<string, { hits: number[]; expires: number }>()
  let sweepAt = 0

  function verdictOn(hits: number[], max: number, span: number): RateVerdict {
    const now = clock.now()
    let stale = 0
    while (stale < hits.length && (hits[stale] ?? 0) <= now - span) stale++
    if (stale > 0) hits.splice(0, stale)
    const oldest = hits[0]
    if (oldest === undefined || hits.length < max) return { allowed: true }
    return { allowed: false, retryAfter: Math.max(1, Math.floor((oldest + span - now) / 1000) + 1) }
  }

  return {
    async hit(key, max, windowSeconds) {
      const now = clock.now()
      const span = windowSeconds * 1000
      if (now >= sweepAt) {
        for (const [name, window] of windows) if (window.expires <= now) windows.delete(name)
        sweepAt = now + 60_000
      }
      const window = windows.get(key) ?? { hits: [], expires: 0 }
      const verdict = verdictOn(window.hits, max, span)
      if (!verdict.allowed) return verdict
      window.hits.push(now)
      window.expires = now + span
      windows.set(key, window)
      return verdict
    },
    async peek(key, max, windowSeconds) {
      return verdictOn(windows.get(key)?.hits ?? [], max, windowSeconds * 1000)
    },
  }
}
