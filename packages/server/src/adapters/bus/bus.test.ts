import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { hasRedis, type RedisProcess, startRedis } from '../../../test/redis.ts'
import type { Bus } from '../../ports/bus.ts'
import { createInProcessBus } from './in-process.ts'
import { createRedisBus } from './redis.ts'

const nextMessage = (bus: Bus, topic: string) =>
  new Promise<unknown>((resolve) => {
    const end = bus.subscribe(topic, (message) => {
      end()
      resolve(message)
    })
  })

/** What every bus does. */
function behaviour(open: () => Promise<Bus>): void {
  it('delivers to every subscriber of the topic and to no other', async () => {
    const bus = await open()
    const heard: string[] = []
    bus.subscribe('a', () => heard.push('a1'))
    bus.subscribe('a', () => heard.push('a2'))
    bus.subscribe('b', () => heard.push('b'))
    await bus.publish('a', 1)
    expect(heard).toEqual(['a1', 'a2'])
    await bus.close()
  })

  it('hands over the message as it was sent', async () => {
    const bus = await open()
    const received = nextMessage(bus, 'a')
    await bus.publish('a', { id: 1, nested: [null, 'x'] })
    expect(await received).toEqual({ id: 1, nested: [null, 'x'] })
    await bus.close()
  })

  it('stops delivering when the subscription ends, also from within a delivery', async () => {
    const bus = await open()
    let heard = 0
    const end = bus.subscribe('a', () => {
      heard++
      end()
    })
    await bus.publish('a', 1)
    await bus.publish('a', 2)
    expect(heard).toBe(1)
    await bus.close()
  })
}

describe('in-process bus', () => behaviour(async () => createInProcessBus()))

describe.skipIf(!hasRedis)('Redis bus', () => {
  let redis: RedisProcess
  const open = () => createRedisBus(redis.url, () => {})
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.kill())
  behaviour(open)

  it('reaches the other processes, each once', async () => {
    const [one, two] = [await open(), await open()]
    const heard: unknown[] = []
    one.subscribe('a', (message) => heard.push(['one', message]))
    two.subscribe('a', (message) => heard.push(['two', message]))
    const arrived = nextMessage(two, 'a')
    await one.publish('a', 'x')
    await arrived
    expect(heard).toEqual([
      ['one', 'x'],
      ['two', 'x'],
    ])
    await Promise.all([one.close(), two.close()])
  })

  it('serves its own process while Redis is away, and says so when messages flow again', async () => {
    const [one, two] = [await open(), await open()]
    await redis.kill()
    const local = nextMessage(one, 'a')
    await expect(one.publish('a', 'alone')).rejects.toThrow()
    expect(await local).toBe('alone')
    const gap = new Promise<void>((resolve) => two.onGap(resolve))
    const backOnline = new Promise<void>((resolve) => one.onGap(resolve))
    await redis.revive()
    await Promise.all([gap, backOnline])
    // Each hears of the other's outage by the connection that came back first: its own publisher may still be on its way.
    await vi.waitFor(() => one.ping(), { timeout: 15_000 })
    const arrived = nextMessage(two, 'a')
    await one.publish('a', 'together')
    expect(await arrived).toBe('together')
    await Promise.all([one.close(), two.close()])
  })

  it('tells the others to look again when it could not send for a while, though they could hear', async () => {
    const [one, two] = [await open(), await open()]
    const gap = new Promise<void>((resolve) => two.onGap(resolve))
    // Of the connections that Redis serves, those of subscribers stay.
    const admin = new Redis(redis.url)
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    admin.disconnect()
    await gap
    await Promise.all([one.close(), two.close()])
  })
})
