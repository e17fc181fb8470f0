import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { type ManualClock, manualClock } from '../../../test/manual-clock.ts'
import { hasRedis, type RedisProcess, startRedis } from '../../../test/redis.ts'
import type { Charge, WindowCounters } from '../../ports/window-counters.ts'
import { createWindowCounters } from '../../storage/window-counters.ts'
import { createRedisWindowCounters } from './redis.ts'

const charge = (more: Partial<Charge> = {}): Charge => ({
  scopeType: 'user',
  scopeId: 't:u',
  resourceType: 'agent_execution',
  bucket: 'per_minute',
  windowSeconds: 60,
  amount: 1,
  limit: 3,
  ...more,
})
const hourly = (more: Partial<Charge> = {}) => charge({ bucket: 'hourly', windowSeconds: 3_600, ...more })

/** What every store of counters does. Each test opens one that has counted nothing. */
function behaviour(open: () => Promise<{ counters: WindowCounters; clock: ManualClock }>): void {
  const countOf = async (counters: WindowCounters, bucket = 'per_minute') =>
    (await counters.list(charge())).find((one) => one.bucket === bucket)?.count ?? 0

  it('20 at once with 3 left: exactly 3 are counted, and the counter says 3', async () => {
    const { counters } = await open()
    const taken = await Promise.all(Array.from({ length: 20 }, () => counters.take([charge()])))
    expect(taken.filter(({ isTaken }) => isTaken)).toHaveLength(3)
    expect(await countOf(counters)).toBe(3)
  })

  it('all of it or nothing: what does not fit one bucket is counted in none, also under parallel takes', async () => {
    const { counters } = await open()
    const both = [
      charge({ limit: 100 }),
      hourly({ limit: 5 }),
      charge({ scopeType: 'tenant', scopeId: 't', limit: 50 }),
    ]
    const taken = await Promise.all(
      Array.from({ length: 20 }, (_, n) => counters.take(n % 2 === 0 ? both : both.toReversed())),
    )
    expect(taken.filter(({ isTaken }) => isTaken)).toHaveLength(5)
    expect([await countOf(counters), await countOf(counters, 'hourly')]).toEqual([5, 5])
    expect(await counters.list({ scopeType: 'tenant', scopeId: 't' })).toMatchObject([{ count: 5 }])
    expect(taken.find(({ isTaken }) => !isTaken)).toMatchObject({
      refused: { bucket: 'hourly' },
      counter: { count: 5 },
    })
  })

  it('the first that is full is named, in the order they were given', async () => {
    const { counters } = await open()
    await counters.take([charge({ amount: 3 }), hourly({ amount: 3 })])
    expect(await counters.take([hourly(), charge()])).toMatchObject({ isTaken: false, refused: { bucket: 'hourly' } })
    expect(await counters.take([charge(), hourly()])).toMatchObject({
      isTaken: false,
      refused: { bucket: 'per_minute' },
    })
  })

  it('an amount larger than the whole limit is refused, by what there is none of yet as well', async () => {
    const { counters } = await open()
    expect(await counters.take([charge({ amount: 4 })])).toMatchObject({ isTaken: false, counter: { count: 0 } })
    expect(await counters.take([charge({ limit: 0 })])).toMatchObject({ isTaken: false })
    expect(await countOf(counters)).toBe(0)
    expect(await counters.take([charge({ amount: 3 })])).toMatchObject({ isTaken: true })
  })

  it('without a limit it is counted beyond any', async () => {
    const { counters } = await open()
    await counters.take([charge({ amount: 3 })])
    expect(await counters.take([charge({ amount: 5_000_000_000, limit: null })])).toMatchObject({
      isTaken: true,
      counters: [{ count: 5_000_000_003 }],
    })
    expect(await counters.take([charge()])).toMatchObject({ isTaken: false })
  })

  it('a window ends at a whole multiple of its length, and the next begins at nothing', async () => {
    const { counters, clock } = await open()
    const untilNext = 60_000 - (clock.now() % 60_000)
    await clock.advance(untilNext - 1)
    const windowStart = clock.now() - 59_999
    expect(await counters.take([charge({ amount: 3 })])).toMatchObject({ isTaken: true, counters: [{ windowStart }] })
    expect(await counters.take([charge()])).toMatchObject({ isTaken: false, counter: { windowStart, count: 3 } })
    await clock.advance(1)
    expect(await counters.list(charge())).toEqual([])
    expect(await counters.take([charge()])).toMatchObject({
      isTaken: true,
      counters: [{ windowStart: windowStart + 60_000, count: 1 }],
    })
  })

  it('what is given back may be taken again, never twice, and not of a window that is over', async () => {
    const { counters, clock } = await open()
    await counters.take([charge({ amount: 2 }), hourly({ amount: 2, limit: 9 })])
    await counters.giveBack([charge(), hourly()])
    expect([await countOf(counters), await countOf(counters, 'hourly')]).toEqual([1, 1])
    await counters.giveBack([charge({ amount: 5 })])
    expect(await countOf(counters)).toBe(0)
    await counters.take([charge({ amount: 2 })])
    await clock.advance(60_000)
    await counters.take([charge()])
    await clock.advance(60_000)
    await counters.giveBack([charge()])
    expect(await counters.take([charge({ amount: 3 })])).toMatchObject({ isTaken: true })
  })

  it('counters of others are others', async () => {
    const { counters } = await open()
    await counters.take([charge({ amount: 3 })])
    for (const other of [
      charge({ scopeId: 't:v' }),
      charge({ scopeType: 'tenant' }),
      charge({ resourceType: 'llm_call' }),
      charge({ bucket: 'hourly', windowSeconds: 3_600 }),
    ])
      expect(await counters.take([other])).toMatchObject({ isTaken: true, counters: [{ count: 1 }] })
  })
}

onEachDatabase('counters in the database', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  behaviour(async () => {
    t = await start()
    return { counters: createWindowCounters({ database: t.server.database, clock: t.clock }), clock: t.clock }
  })

  it('are forgotten a day after their window', async () => {
    t = await start()
    const counters = createWindowCounters({ database: t.server.database, clock: t.clock })
    await counters.take([charge(), charge({ bucket: 'monthly', windowSeconds: 2_592_000 })])
    const rows = () => t.server.database.db.selectFrom('rate_limit_counters').select('bucket').execute()
    await counters.sweep()
    expect(await rows()).toHaveLength(2)
    // Nothing else of a day has to happen for it.
    t.clock.set(t.clock.now() + 86_400_000 + 120_000)
    await counters.sweep()
    expect(await rows()).toEqual([{ bucket: 'monthly' }])
  })
})

describe.skipIf(!hasRedis)('counters in Redis', () => {
  let redis: RedisProcess
  const open: { close(): void }[] = []
  let opened = 0
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterEach(() => {
    for (const one of open.splice(0)) one.close()
  })
  afterAll(async () => {
    await redis.kill()
  })
  behaviour(async () => {
    const clock = manualClock()
    const counters = createRedisWindowCounters(redis.url, clock, () => {})
    open.push(counters)
    // A name of its own for each test.
    const prefix = `${++opened}:`
    const named = <T extends { scopeId: string }>(one: T): T => ({ ...one, scopeId: prefix + one.scopeId })
    return {
      clock,
      counters: {
        take: (charges) => counters.take(charges.map(named)),
        giveBack: (charges) => counters.giveBack(charges.map(named)),
        list: (scope) => counters.list(named(scope)),
      },
    }
  })

  it('are unavailable while Redis does not answer: nothing is let through uncounted', async () => {
    const own = await startRedis()
    const counters = createRedisWindowCounters(own.url, manualClock(), () => {})
    open.push(counters)
    expect(await counters.take([charge()])).toMatchObject({ isTaken: true })
    await own.kill()
    const unavailable = { status: 503, code: 'limits_unavailable', headers: { 'retry-after': '30' } }
    await expect(counters.take([charge()])).rejects.toMatchObject(unavailable)
    await expect(counters.giveBack([charge()])).rejects.toMatchObject(unavailable)
    await expect(counters.list(charge())).rejects.toMatchObject(unavailable)
  })
})
