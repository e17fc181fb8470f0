import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import type { EventValues } from './event-table.ts'

/** A UUID that ends in these characters. */
const idOf = (end: string) => `00000000-0000-8000-8000-${end.padStart(12, '0')}`

onEachDatabase('bulk insert', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const row = (end: string, timestamp = 0, payload: string | null = null): EventValues => [
    ...([idOf(end), 'tenant', 'call', 'agent', 'tool', 'verdict', 'mode', 'env', timestamp] as const),
    ...(['', payload, null] as const),
  ]
  const insert = (...rows: EventValues[]) => t.server.database.events.insert(rows, Number.MAX_SAFE_INTEGER)

  it('every kind of value comes back as it was', async () => {
    t = await start()
    const payloads = [
      null,
      '',
      '{"a":"\\"\\\\,{}"}',
      'Ärger 日本 🜁',
      'null',
      'NULL',
      'x'.repeat(70_000),
      'ü'.repeat(2_000_000),
    ]
    const instants = [0, 1, -1, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 2 ** 32, -(2 ** 32), 7]
    const rows = payloads.map((payload, index) => row(`${index}`, instants[index], payload))
    expect(await insert(...rows)).toEqual(payloads.map(() => true))
    const stored = await t.server.database.db.selectFrom('events').selectAll().orderBy('seq').execute()
    expect(stored.map((found) => [found.timestamp, found.payload])).toEqual(
      payloads.map((payload, index) => [instants[index], payload]),
    )
    expect(stored.every((found) => found.created_at === Number.MAX_SAFE_INTEGER)).toBe(true)
  })

  it('each row is told whether it is new; of rows that share a key the first is', async () => {
    t = await start()
    expect(await insert(row('a'), row('b'), row('a'))).toEqual([true, true, false])
    expect(await insert(row('c'), row('b'), row('c'), row('d'))).toEqual([true, false, false, true])
    expect(await insert(row('a'))).toEqual([false])
  })

  it('all or nothing: what was undone is no duplicate', async () => {
    t = await start()
    const unfit = [...row('b').slice(0, 3), null, ...row('b').slice(4)] as unknown as EventValues
    await expect(insert(row('a'), unfit)).rejects.toThrow()
    expect(await insert(row('a'), row('b'))).toEqual([true, true])
  })
})
