import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../test/harness.ts'
import { manualClock } from '../../test/manual-clock.ts'
import type { Bus } from '../ports/bus.ts'
import { createStreamFeed, type StreamFeed } from './feed.ts'
import { createStreamLog, type LoggedRecord, type StreamLog } from './stream-log.ts'

/** A bus that a test drives: nothing arrives until it says so, in the order and as often as it says. */
function heldBus() {
  const held: unknown[] = []
  let gap = () => {}
  let receive: (message: unknown) => void = () => {}
  const bus: Bus = {
    async publish(_topic, message) {
      held.push(message)
    },
    subscribe(_topic, receiver) {
      receive = receiver
      return () => {}
    },
    onGap(listener) {
      gap = listener
      return () => {}
    },
    ping: async () => null,
    async close() {},
  }
  return { bus, held, bring: (message: unknown) => receive(message), reconnect: () => gap() }
}

onEachDatabase('the feed of a tenant', (start) => {
  let t: TestServer
  let feed: StreamFeed
  afterEach(async () => {
    feed.stop()
    await t.close()
  })

  let log: StreamLog
  let wire: ReturnType<typeof heldBus>
  let got: LoggedRecord[]
  const errors: unknown[] = []
  let slow: Promise<void> | undefined

  async function begin() {
    t = await start()
    wire = heldBus()
    got = []
    slow = undefined
    const { database } = t.server
    log = createStreamLog({
      database,
      bus: wire.bus,
      clock: manualClock(),
      onPublishError: (error) => errors.push(error),
    })
    feed = createStreamFeed({
      log,
      bus: wire.bus,
      deliver(record) {
        got.push(record)
        return slow
      },
      onError: (error) => errors.push(error),
    })
  }
  const emit = (index: number, tenantId = 'a') =>
    log.transact(async (_within, emit) => emit({ tenantId, type: 'event_created', data: { index }, dashboard: true }))
  const indexes = () => got.map((record) => (JSON.parse(record.json) as { index: number }).index)

  it('delivers what follows, and nothing that was there before', async () => {
    await begin()
    await emit(0)
    await feed.follow('a')
    await emit(1)
    await emit(1, 'b')
    await emit(2)
    for (const message of wire.held) wire.bring(message)
    expect(indexes()).toEqual([1, 2])
  })

  it('delivers each record once and in order, whatever the bus loses, repeats or reorders', async () => {
    await begin()
    await feed.follow('a')
    for (let index = 1; index <= 9; index++) await emit(index)
    const [one, two, , four, five, six] = wire.held
    wire.bring(one)
    wire.bring(one)
    wire.bring(two)
    wire.bring(five)
    wire.bring(four)
    wire.bring(six)
    await expect.poll(() => got.length).toBe(9)
    await feed.catchUp()
    wire.bring(wire.held[2])
    wire.bring(wire.held[8])
    expect(indexes()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('reads what a silent bus never brought', async () => {
    await begin()
    await feed.follow('a')
    for (let index = 1; index <= 3; index++) await emit(index)
    expect(indexes()).toEqual([])
    await feed.catchUp()
    expect(indexes()).toEqual([1, 2, 3])
  })

  it('reads the log when the bus was away', async () => {
    await begin()
    await feed.follow('a')
    await emit(1)
    await emit(2)
    wire.reconnect()
    await expect.poll(() => got.length).toBe(2)
    expect(indexes()).toEqual([1, 2])
  })

  it('delivers nothing further while a record is being dealt with', async () => {
    await begin()
    await feed.follow('a')
    let release = () => {}
    slow = new Promise<void>((resolve) => {
      release = resolve
    })
    for (let index = 1; index <= 3; index++) await emit(index)
    for (const message of wire.held) wire.bring(message)
    expect(indexes()).toEqual([1])
    slow = undefined
    release()
    await expect.poll(() => got.length).toBe(3)
    expect(indexes()).toEqual([1, 2, 3])
  })

  it('goes on where it stood after the log could not be read', async () => {
    await begin()
    await feed.follow('a')
    for (let index = 1; index <= 3; index++) await emit(index)
    const since = log.since
    log.since = () => Promise.reject(new Error('away'))
    wire.bring(wire.held[2])
    await expect.poll(() => errors.length).toBe(1)
    log.since = since
    await feed.catchUp()
    expect(indexes()).toEqual([1, 2, 3])
  })

  it('a tenant nobody follows costs nothing, and following again begins anew', async () => {
    await begin()
    await feed.follow('a')
    feed.unfollow('a')
    await emit(1)
    wire.bring(wire.held[0])
    await feed.catchUp()
    await feed.follow('a')
    await emit(2)
    wire.bring(wire.held[1])
    expect(indexes()).toEqual([2])
  })
})
