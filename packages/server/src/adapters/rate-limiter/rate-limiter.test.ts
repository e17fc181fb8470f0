import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { manualClock } from '../../../test/manual-clock.ts'
import { hasRedis, type RedisProcess, startRedis } from '../../../test/redis.ts'
import type { Clock } from '../../ports/clock.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import { createInProcessRateLimiter } from './in-process.ts'
import { createRedisRateLimiter } from './redis.ts'

/** What every rate limiter does. Each test uses a key of its own. */
function behaviour(open: (clock: Clock) => RateLimiter & { close?: () => void }): void {
  it('allows exactly as many as it says, under concurrency', async () => {
    const limiter = open(manualClock())
    const verdicts = await Promise.all(Array.from({ length: 30 }, () => limiter.hit('concurrent', 7, 60)))
    expect(verdicts.filter((verdict) => verdict.allowed)).toHaveLength(7)
    limiter.close?.()
  })

  it('slides: a place is free when the oldest attempt has left the window, and retryAfter says when', async () => {
    const clock = manualClock()
    const limiter = open(clock)
    await limiter.hit('slide', 2, 10)
    await clock.advance(4_000)
    await limiter.hit('slide', 2, 10)
    expect(await limiter.hit('slide', 2, 10)).toEqual({ allowed: false, retryAfter: 7 })
    await clock.advance(5_999)
    expect(await limiter.hit('slide', 2, 10)).toEqual({ allowed: false, retryAfter: 1 })
    await clock.advance(1)
    expect(await limiter.hit('slide', 2, 10)).toEqual({ allowed: true })
    limiter.close?.()
  })

  it('says without recording whether an attempt would be', async () => {
    const clock = manualClock()
    const limiter = open(clock)
    for (let looks = 0; looks < 3; looks++) expect(await limiter.peek('look', 1, 10)).toEqual({ allowed: true })
    await limiter.hit('look', 1, 10)
    await clock.advance(4_000)
    expect(await limiter.peek('look', 1, 10)).toEqual({ allowed: false, retryAfter: 7 })
    await clock.advance(6_000)
    expect(await limiter.peek('look', 1, 10)).toEqual({ allowed: true })
    limiter.close?.()
  })

  it('does not record a refused attempt, and keeps keys apart', async () => {
    const clock = manualClock()
    const limiter = open(clock)
    await limiter.hit('refused', 1, 10)
    await clock.advance(9_000)
    await limiter.hit('refused', 1, 10)
    await clock.advance(1_000)
    expect(await limiter.hit('refused', 1, 10)).toEqual({ allowed: true })
    expect(await limiter.hit('another', 1, 10)).toEqual({ allowed: true })
    limiter.close?.()
  })
}

describe('in-process rate limiter', () => behaviour(createInProcessRateLimiter))

describe.skipIf(!hasRedis)('Redis rate limiter', () => {
  let redis: RedisProcess
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.kill())
  behaviour((clock) => createRedisRateLimiter(redis.url, clock, () => {}))

  it('is unavailable while Redis does not answer: neither open nor a limit reached', async () => {
    const own = await startRedis()
    const limiter = createRedisRateLimiter(own.url, manualClock(), () => {})
    expect(await limiter.hit('away', 5, 60)).toEqual({ allowed: true })
    await own.kill()
    const unavailable = { status: 503, code: 'limits_unavailable', headers: { 'retry-after': '30' } }
    await expect(limiter.hit('away', 5, 60)).rejects.toMatchObject(unavailable)
    await expect(limiter.peek('away', 5, 60)).rejects.toMatchObject(unavailable)
    limiter.close()
  })
})
