import { sql } from 'kysely'
import { afterEach, expect, it } from 'vitest'
import { onPostgres, type TestServer } from '../../../test/harness.ts'
import { microsOf } from '../instants.ts'
import { monthOf } from './months.ts'
import { monthsOf, takeOut } from './partitions.ts'

const DAY_MS = 86_400_000
type Headers = Record<string, string>

onPostgres('months of events', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const database = () => t.server.database
  const months = async () => (await monthsOf(database().db)).map(({ name }) => name)
  const countIn = async (table: string) => {
    const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(
      database().db,
    )
    return rows[0]?.count
  }
  const tables = async () =>
    (await database().db.introspection.getTables())
      .map(({ name }) => name)
      .filter((name) => /^event(s|_ids)/.test(name))
  const event = (callId: string) => ({
    call_id: callId,
    agent_id: 'agent-1',
    tool_name: 'exec',
    verdict: 'call_allowed',
    mode: 'enforce',
    timestamp: '2020-01-01T00:00:00Z',
  })
  const send = async (headers: Headers, ...callIds: string[]) =>
    (
      await t.request({ method: 'POST', url: '/api/v1/events', headers, payload: { events: callIds.map(event) } })
    ).json()
  const stored = async (headers: Headers): Promise<string[]> =>
    (await t.request({ method: 'GET', url: '/api/v1/events?limit=1000', headers }))
      .json()
      .map((found: { call_id: string }) => found.call_id)
  const later = (days: number) => t.clock.set(t.clock.now() + days * DAY_MS)
  const tenantId = async () => (await database().db.selectFrom('tenants').select('id').executeTakeFirstOrThrow()).id
  const purge = async (days: number) =>
    database().events.purge([{ tenantId: await tenantId(), cutoff: microsOf(t.clock.now() - days * DAY_MS) }])
  const foreignAgent = async (): Promise<Headers> => {
    const headers = await t.otherTenant()
    const key = await t.request({ method: 'POST', url: '/api/v1/keys', headers, payload: { env: 'production' } })
    return { authorization: `Bearer ${key.json().key}` }
  }

  it('are made ahead, at the start and as time goes by, and hold what arrives in them', async () => {
    t = await start()
    expect(await months()).toEqual(['2026_03', '2026_04', '2026_05', '2026_06'])
    const agent = await t.agent()
    await send(agent, 'a')
    later(31)
    await send(agent, 'b')
    await database().events.prepare(microsOf(t.clock.now()))
    expect(await months()).toEqual(['2026_03', '2026_04', '2026_05', '2026_06', '2026_07'])
    expect([await countIn('events_2026_03'), await countIn('events_2026_04'), await countIn('events_default')]).toEqual(
      [1, 1, 0],
    )
  })

  it('take over what arrived before they were made, and it is a duplicate still', async () => {
    t = await start()
    const agent = await t.agent()
    later(300)
    expect(await send(agent, 'a', 'b')).toEqual({ accepted: 2, duplicates: 0 })
    expect(await countIn('events_default')).toBe(2)
    await Promise.all([1, 2, 3].map(() => database().events.prepare(microsOf(t.clock.now()))))
    expect([await countIn('events_default'), await countIn('events_2026_12')]).toEqual([0, 2])
    expect(await send(agent, 'a', 'c')).toEqual({ accepted: 1, duplicates: 1 })
    expect(await stored(agent)).toEqual(['c', 'b', 'a'])
  })

  it('are dropped by a purge when all of them is purged; what they held may come again, what is left may not', async () => {
    t = await start()
    const agent = await t.agent()
    await send(agent, 'march-1', 'march-2')
    later(31)
    await send(agent, 'april')
    later(20)
    await send(agent, 'late-april')
    later(10)
    // 1 May: whatever arrived before 11 April goes.
    expect(await purge(20)).toBe(3)
    expect(await tables()).toEqual([
      'event_ids',
      'events',
      ...['2026_04', '2026_05', '2026_06', 'default'].map((m) => `events_${m}`),
    ])
    expect(await stored(agent)).toEqual(['late-april'])
    expect(await countIn('event_ids')).toBe(1)
    expect(await send(agent, 'march-1', 'late-april', 'april')).toEqual({ accepted: 2, duplicates: 1 })
    expect(await purge(20)).toBe(0)
  })

  it("stay while they hold another tenant's events, which stay too", async () => {
    t = await start()
    const agent = await t.agent()
    const theirs = await foreignAgent()
    await send(agent, 'a', 'b')
    await send(theirs, 'a')
    later(60)
    expect(await purge(1)).toBe(2)
    expect(await months()).toContain('2026_03')
    expect([await stored(agent), await stored(theirs)]).toEqual([[], ['a']])
    expect(await send(theirs, 'a')).toEqual({ accepted: 0, duplicates: 1 })
    expect(await send(agent, 'a')).toEqual({ accepted: 1, duplicates: 0 })
  })

  it('that somebody reads are emptied in steps, and nobody waits for the reader', async () => {
    t = await start()
    const agent = await t.agent()
    await send(agent, 'a', 'b')
    later(60)
    await database()
      .db.transaction()
      .execute(async (reader) => {
        await reader.selectFrom('events').selectAll().execute()
        expect(await purge(1)).toBe(2)
        expect(await send(agent, 'c')).toEqual({ accepted: 1, duplicates: 0 })
      })
    expect(await months()).toContain('2026_03')
    expect(await stored(agent)).toEqual(['c'])
  })

  it('that a purge took out and left behind are dropped at the next turn, and by the next purge', async () => {
    t = await start()
    const agent = await t.agent()
    const { db, events } = database()
    const takeOutThisMonth = async () => {
      await events.prepare(microsOf(t.clock.now()))
      await send(agent, 'a', 'b')
      await takeOut(db, monthOf(microsOf(t.clock.now())), [await tenantId()])
      expect([await stored(agent), await countIn('event_ids')]).toEqual([[], 2])
    }
    await takeOutThisMonth()
    await events.finishPurge()
    expect([(await tables()).includes('events_purged_2026_03'), await countIn('event_ids')]).toEqual([false, 0])
    await takeOutThisMonth()
    later(60)
    expect(await purge(1)).toBe(0)
    expect([(await tables()).includes('events_purged_2026_03'), await countIn('event_ids')]).toEqual([false, 0])
  })
})
