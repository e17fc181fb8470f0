import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { Unavailable } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { RateLimiter, RateVerdict } from '../../ports/rate-limiter.ts'
import { redisReconnect } from '../redis-reconnect.ts'

const RETRY_WHEN_AWAY_SECONDS = 30

/** Drop what left the window; when it is full, the oldest hit in ms and nothing more, else -1, and an attempt that has a name is recorded. */
const script = `
redis.call('zremrangebyscore', KEYS[1], '-inf', ARGV[1] - ARGV[3])
if redis.call('zcard', KEYS[1]) >= tonumber(ARGV[2]) then
  return redis.call('zrange', KEYS[1], 0, 0, 'withscores')[2]
end
if ARGV[4] ~= '' then
  redis.call('zadd', KEYS[1], ARGV[1], ARGV[4])
  redis.call('pexpire', KEYS[1], ARGV[3] + 60000)
end
return '-1'
`

export interface ClosableRateLimiter extends RateLimiter {
  close(): void
}

/** Windows shared by all processes, as sorted sets in Redis. When Redis does not answer, no attempt is let through. */
export function createRedisRateLimiter(
  url: string,
  clock: Clock,
  onError: (error: Error) => void,
): ClosableRateLimiter {
  const redis = new Redis(url, {
    maxRetriesPerRequest: 1,
    commandTimeout: 3_000,
    retryStrategy: redisReconnect,
  })
  redis.on('error', onError)

  async function verdictOn(key: string, max: number, windowSeconds: number, attempt: string): Promise<RateVerdict> {
    const now = clock.now()
    const span = windowSeconds * 1000
    let oldest: number
    try {
      oldest = Number(await redis.eval(script, 1, `lictor:rate:${key}`, now, max, span, attempt))
    } catch (error) {
      onError(error as Error)
      throw new Unavailable('The store of the rate limits does not answer. Try again shortly.', {
        cause: error,
        retryAfter: RETRY_WHEN_AWAY_SECONDS,
        code: 'limits_unavailable',
      })
    }
    if (oldest < 0) return { allowed: true }
    return { allowed: false, retryAfter: Math.max(1, Math.floor((oldest + span - now) / 1000) + 1) }
  }

  return {
    hit: (key, max, windowSeconds) => verdictOn(key, max, windowSeconds, `${clock.now()}:${randomUUID()}`),
    peek: (key, max, windowSeconds) => verdictOn(key, max, windowSeconds, ''),
    close: () => redis.disconnect(),
  }
}
