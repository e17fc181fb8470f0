import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import { microsOf } from '../instants.ts'
import type { EventValues } from './event-table.ts'

const GENERATION = 32_768
let t: TestServer
beforeEach(async () => {
  t = await startTestServer()
})
afterEach(() => t.close())

const rowOf = (id: string): EventValues => [
  ...([id, 'tenant', 'call', 'agent', 'tool', 'verdict', 'mode', 'env', 0, '', null, null] as const),
]
const insert = (...ids: string[]) => t.server.database.events.insert(ids.map(rowOf), microsOf(t.clock.now()))
const run = (statement: string) => sql.raw(statement).execute(t.server.database.db)
const read = async (statement: string): Promise<unknown[]> =>
  (await run(statement)).rows.map((row) => Object.values(row as object)[0])
const filters = () => read('select generation from event_id_filters order by generation')
/** The next event gets this number, as if so many had come and gone. */
async function goTo(seq: number): Promise<void> {
  await run("delete from sqlite_sequence where name = 'events'")
  await run(`insert into sqlite_sequence (name, seq) values ('events', ${seq - 1})`)
}
const ids = (count: number) => Array.from({ length: count }, () => randomUUID())
const all = (answer: boolean, count: number) => Array.from({ length: count }, () => answer)

it('an id is known through every generation that follows its own, within one batch as well', async () => {
  const [first = '', second = '', third = '', fourth = ''] = ids(4)
  await goTo(GENERATION - 1)
  expect(await insert(first, second, first, second, third)).toEqual([true, true, false, false, true])
  expect(await read('select seq from events order by seq')).toEqual([GENERATION - 1, GENERATION, GENERATION + 1])
  expect(await filters()).toEqual([0])
  // Past the 32 generations whose filters are asked at once, and far past them.
  await goTo(33 * GENERATION)
  expect(await insert(first, third, fourth)).toEqual([false, false, true])
  await goTo(1_000 * GENERATION + 5)
  expect(await insert(first, second, third, fourth)).toEqual(all(false, 4))
})

it('a restart forgets no id: of filters that were saved, of those that are missing or damaged, and of the newest generation', async () => {
  const known: string[] = []
  for (const generation of [0, 1, 31, 32, 40]) {
    await goTo(generation * GENERATION + 100)
    const some = ids(50)
    expect(await insert(...some)).toEqual(all(true, 50))
    known.push(...some)
  }
  await run('delete from event_id_filters where generation = 1')
  await run("update event_id_filters set filter = x'00' where generation = 31")
  await t.restart()
  expect(await insert(...known)).toEqual(all(false, known.length))
  expect(await filters()).toEqual([0, 1, 31, 32])
  expect(await read('select distinct length(filter) from event_id_filters')).toEqual([GENERATION * 2])
})

it('a saved filter spares the reading of its ids, and seldom asks the index in vain', async () => {
  const known = ids(GENERATION)
  for (let from = 0; from < known.length; from += 4_096) await insert(...known.slice(from, from + 4_096))
  const strangers = ids(3)
  expect(await insert(...strangers)).toEqual(all(true, 3))
  const [filter] = (await read('select filter from event_id_filters')) as [Uint8Array]
  const bits = filter.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
  // Eight of sixteen places an id, some of them met twice: 1 - e^(-1/2) of all. To the eighth: one stranger of 1,800 is asked for in vain.
  expect(bits / (filter.length * 8)).toBeCloseTo(1 - Math.exp(-0.5), 2)
  await t.restart()
  expect(await insert(...known.slice(0, 2_000), ...known.slice(-2_000))).toEqual(all(false, 4_000))
})

it('ids that were purged are free again, and their filters are gone', async () => {
  const [early = '', late = '', later = ''] = ids(3)
  const day = 24 * 60 * 60 * 1000
  await goTo(GENERATION - 1)
  await insert(early)
  await goTo(GENERATION * 2 - 1)
  t.clock.set(t.clock.now() + 10 * day)
  await insert(late, later)
  expect(await filters()).toEqual([0, 1])
  expect(await t.server.database.events.purge([{ tenantId: 'tenant', cutoff: microsOf(t.clock.now() - day) }])).toBe(1)
  expect(await filters()).toEqual([1])
  expect(await insert(early, late, later)).toEqual([true, false, false])
})
