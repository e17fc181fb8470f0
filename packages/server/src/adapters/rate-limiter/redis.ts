import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import type { Clock } from '../../ports/clock.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'

const RETRY_WHEN_AWAY_SECONDS = 30

/** Drop what left the window; refuse without recording when it is full, else record. Returns the oldest hit in ms, or -1 when allowed. */
const script = `
redis.call('zremrangebyscore', KEYS[1], '-inf', ARGV[1] - ARGV[3])
if redis.call('zcard', KEYS[1]) >= tonumber(ARGV[2]) then
  return redis.call('zrange', KEYS[1], 0, 0, 'withscores')[2]
end
redis.call('zadd', KEYS[1], ARGV[1], ARGV[4])
redis.call('pexpire', KEYS[1], ARGV[3] + 60000)
return '-1'
`

export interface ClosableRateLimiter extends RateLimiter {
  close(): void
}

/** Windows shared by all processes, as sorted sets in Redis. When Redis does not answer, the attempt is refused (console-api §4.6). */
export function redisRateLimiter(url: string, clock: Clock, onError: (error: Error) => void): ClosableRateLimiter {
  const redis = new Redis(url, {
    maxRetriesPerRequest: 1,
    commandTimeout: 3_000,
    retryStrategy: (attempt) => Math.min(attempt * 100, 2_000),
  })
  redis.on('error', onError)
  return {
    async hit(key, max, windowSeconds) {
      const now = clock.now()
      const span = windowSeconds * 1000
      let oldest: number
      try {
        oldest = Number(await redis.eval(script, 1, `lictor:rate:${key}`, now, max, span, `${now}:${randomUUID()}`))
      } catch (error) {
        onError(error as Error)
        return { allowed: false, retryAfter: RETRY_WHEN_AWAY_SECONDS }
      }
      if (oldest < 0) return { allowed: true }
      return { allowed: false, retryAfter: Math.max(1, Math.floor((oldest + span - now) / 1000) + 1) }
    },
    close: () => redis.disconnect(),
  }
}
