import pino from 'pino'
import { expect, it } from 'vitest'
import type { Emit, StreamLog } from '../../changes/stream-log.ts'
import { createAnnouncements } from './announcements.ts'

/** A stream log whose transactions end when the test says so. */
function heldLog() {
  const told: unknown[] = []
  const ends: ((error?: Error) => void)[] = []
  const transact = async (work: (within: never, emit: Emit) => Promise<unknown>) => {
    const emitted: unknown[] = []
    await work(undefined as never, ({ tenantId, type, data, dashboard }) =>
      emitted.push([tenantId, type, data, dashboard]),
    )
    await new Promise<void>((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve())))
    told.push(...emitted)
  }
  const end = async (error?: Error) => {
    await turn()
    ends.shift()?.(error)
  }
  return { told, end, log: { transact } as unknown as StreamLog }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const counts = (...entries: [string, number][]) => new Map(entries)

it('what arrives while others are told is told together, each tenant of its own', async () => {
  const { log, told, end } = heldLog()
  const announced = createAnnouncements({ log, logger: pino({ enabled: false }) })
  announced.arrived(counts(['a', 1]))
  announced.arrived(counts(['a', 2], ['b', 5]))
  announced.arrived(counts(['a', 3]))
  await end()
  await end()
  await announced.idle()
  expect(told).toEqual([
    ['a', 'event_created', { accepted: 1 }, true],
    ['a', 'event_created', { accepted: 5 }, true],
    ['b', 'event_created', { accepted: 5 }, true],
  ])
})

it('nobody is told of nothing', async () => {
  const { log, told } = heldLog()
  const announced = createAnnouncements({ log, logger: pino({ enabled: false }) })
  announced.arrived(counts())
  await announced.idle()
  expect(told).toEqual([])
})

it('a telling that fails is logged, and the next goes on', async () => {
  const lines: string[] = []
  const { log, told, end } = heldLog()
  const announced = createAnnouncements({ log, logger: pino({}, { write: (line: string) => lines.push(line) }) })
  announced.arrived(counts(['a', 1]))
  await end(new Error('away'))
  await announced.idle()
  announced.arrived(counts(['a', 2]))
  await end()
  await announced.idle()
  expect(told).toEqual([['a', 'event_created', { accepted: 2 }, true]])
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ err: { message: 'away' }, tenants: 1 }])
})
