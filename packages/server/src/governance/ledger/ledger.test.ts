import { Readable } from 'node:stream'
import { sql } from 'kysely'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { BrokenChain, verifyAuditExport } from './audit-export.ts'

type Headers = Record<string, string>
const DAY_MS = 86_400_000

onEachDatabase('the audit log as evidence', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  let calls = 0
  const event = (over: object = {}) => ({
    ...{ call_id: `call-${calls++}`, agent_id: 'agent-1', tool_name: 'exec', verdict: 'call_allowed', mode: 'enforce' },
    timestamp: '2026-03-01T12:00:00.123456Z',
    payload: { text: 'Ärger 日本 🜁 \u0000 \u2028 \u2029 \ud800', __proto: 1, '9': 'nine', '1': 1.5 },
    ...over,
  })
  const send = (headers: Headers, count: number) =>
    t.request({
      ...{ method: 'POST', url: '/api/v1/events', headers },
      payload: { events: Array.from({ length: count }, () => event()) },
    })
  const exported = async (headers?: Headers): Promise<string[]> => {
    const answer = await t.request({
      ...{ method: 'GET', url: '/api/v1/events/export', headers: headers ?? (await signedIn()) },
    })
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'application/x-ndjson'])
    return answer.body.split('\n').slice(0, -1)
  }
  const verify = (lines: readonly string[], trusted: readonly string[] = []) =>
    verifyAuditExport(Readable.from(lines.map((line) => Buffer.from(`${line}\n`))), trusted)
  const fault = async (lines: readonly string[], trusted?: readonly string[]): Promise<string> => {
    const error: unknown = await verify(lines, trusted).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(BrokenChain)
    return (error as BrokenChain).message
  }
  const placeOf = (lines: readonly string[], type: string, nth = 0) =>
    lines.flatMap((line, index) => (JSON.parse(line).type === type ? [index] : []))[nth] ?? -1
  const signedIn = async (): Promise<Headers> => {
    await t.admin()
    const answer = await t.request({
      ...{ method: 'POST', url: '/api/v1/auth/login' },
      payload: { email: 'admin@example.com', password: 'correct horse battery' },
    })
    return { cookie: String(answer.headers['set-cookie']).split(';')[0] ?? '', 'x-requested-with': 'test' }
  }

  it('an export proves itself, to the last event, without the server', async () => {
    t = await start()
    const agent = await t.agent()
    await Promise.all(Array.from({ length: 5 }, () => send(agent, 7)))
    const lines = await exported()
    expect(await verify(lines)).toMatchObject({ events: 35, unchained: 0, unsigned: 0, purged: [] })
    expect(JSON.parse(lines[1] ?? '').event.payload).toEqual(event().payload)
  })

  it('whatever is changed, dropped, added or put elsewhere in it is named', async () => {
    t = await start()
    const agent = await t.agent()
    await send(agent, 3)
    await send(agent, 2)
    const lines = await exported()
    const without = (index: number) => lines.filter((_, at) => at !== index)
    const changed = (index: number, change: (line: Record<string, unknown>) => object) =>
      lines.map((line, at) =>
        at === index ? JSON.stringify({ ...JSON.parse(line), ...change(JSON.parse(line)) }) : line,
      )
    const second = placeOf(lines, 'event', 1)
    expect(
      await fault(changed(second, ({ event: of }) => ({ event: { ...(of as object), tool_name: 'other' } }))),
    ).toMatch(/event 2 .*was changed/)
    expect(await fault(without(second))).toMatch(/event 2 is missing or not in its place/)
    expect(await fault(without(placeOf(lines, 'event', 2)))).toMatch(/event 3 is missing/)
    const swapped = [...lines]
    ;[swapped[second], swapped[second + 1]] = [lines[second + 1] ?? '', lines[second] ?? '']
    expect(await fault(swapped)).toMatch(/event 2 is missing or not in its place: event 3/)
    expect(await fault(without(placeOf(lines, 'link', 0)))).toMatch(/event|link/)
    expect(await fault(without(lines.length - 1))).toMatch(/cut off/)
    expect(await fault(lines.slice(0, second))).toMatch(/cut off/)
    expect(await fault([...lines, lines[1] ?? ''])).toMatch(/behind the end/)
    const signed = placeOf(lines, 'checkpoint')
    expect(await fault(changed(signed, () => ({ signature: '00'.repeat(64) })))).toMatch(/signature/)
    expect(await fault(lines, ['ab'.repeat(32)])).toMatch(/not trusted/)
    expect(await fault([])).toMatch(/empty/)
    expect(await fault(['{"a":1}'])).toMatch(/no line of an export/)
    // What no digest covers may not stand there either, or one reader takes it for what was proven.
    const edited = (edit: (line: string) => string) => lines.map((line, at) => (at === second ? edit(line) : line))
    expect(await fault(edited((line) => line.replace('"tool_name":', '"tool_name":"rm","tool_name":')))).toMatch(
      /twice/,
    )
    expect(await fault(edited((line) => line.replace('"event":', '"event":{},"event":')))).toMatch(/twice/)
    expect(await fault(edited((line) => line.replace(/}$/, ' }')))).toMatch(/edited/)
    expect(await fault(changed(second, () => ({ note: 'x' })))).toMatch(/'note' was added/)
    expect(await fault(changed(second, ({ event: of }) => ({ event: { ...(of as object), note: 1 } })))).toMatch(
      /'note' was added/,
    )
    // A file from which every signature was taken proves nothing to somebody who names a key.
    const unsigned = lines.filter((_, at) => JSON.parse(lines[at] ?? '').type !== 'checkpoint')
    expect(await fault(unsigned, ['ab'.repeat(32)])).toMatch(/nothing of the export is signed/)
    // A whole link less, with its events: the next does not follow.
    const first = placeOf(lines, 'event', 0)
    const link = placeOf(lines, 'link', 0)
    expect(await fault(lines.filter((_, at) => at < first || at > link))).toMatch(/event 1 is missing/)
  })

  it('what was changed or deleted in the database is named', async () => {
    t = await start()
    const agent = await t.agent()
    await send(agent, 3)
    const { db } = t.server.database
    await db
      .updateTable('events')
      .set({ verdict: 'call_denied' })
      .where('call_id', '=', `call-${calls - 2}`)
      .execute()
    expect(await fault(await exported())).toMatch(/event 2 .*was changed/)
    await db
      .deleteFrom('events')
      .where('call_id', '=', `call-${calls - 2}`)
      .execute()
    expect(await fault(await exported())).toMatch(/event 2 is missing/)
  })

  it('a chain is signed each minute, and by the key that is in force; the one before vouches for the next', async () => {
    t = await start()
    const agent = await t.agent()
    await send(agent, 2)
    await t.clock.advance(60_000)
    const { db } = t.server.database
    await expect.poll(() => db.selectFrom('event_checkpoints').select('number').execute()).toEqual([{ number: 1 }])
    const admin = await t.admin()
    const rotated = (
      await t.request({ method: 'POST', url: '/api/v1/settings/rotate-signing-key', headers: admin })
    ).json()
    await send(agent, 1)
    const lines = await exported()
    const { publicKeys } = await verify(lines)
    expect(publicKeys).toHaveLength(2)
    expect(publicKeys[1]).toBe(rotated.public_key)
    expect(await verify(lines, publicKeys.slice(0, 1))).toMatchObject({ events: 3 })
    expect(await fault(lines, publicKeys.slice(1))).toMatch(/not trusted/)
  })

  it('a purge leaves a signed trace, and what is left proves itself; without the trace it does not', async () => {
    t = await start()
    const agent = await t.agent()
    for (const count of [2, 3, 4]) {
      await send(agent, count)
      t.clock.set(t.clock.now() + 10 * DAY_MS)
    }
    const purged = await t.request({
      ...{ method: 'DELETE', url: '/api/v1/settings/purge-events?older_than_days=15', headers: await signedIn() },
    })
    expect(purged.json()).toMatchObject({ deleted_count: 5 })
    const lines = await exported()
    expect(await verify(lines)).toMatchObject({ events: 4, purged: [{ from: 1, to: 5 }] })
    expect(JSON.parse(lines[placeOf(lines, 'event')] ?? '')).toMatchObject({ seq: 6 })
    const trace = lines.findIndex((line) => line.includes('purged'))
    const forged = lines.filter((line, at) => at !== trace && JSON.parse(line).type !== 'checkpoint')
    expect(await fault(forged)).toMatch(/no purge that is recorded and signed here|chain ends/)
    await send(agent, 1)
    expect(await verify(await exported())).toMatchObject({ events: 5 })
    const listed = (await t.request({ method: 'GET', url: '/api/v1/events?after_seq=0', headers: agent })).json()
    expect(listed.map(({ seq }: { seq: number }) => seq)).toEqual([6, 7, 8, 9, 10])
  })

  it('events are kept as many days as the setting says, for every tenant, and the disk is given back', async () => {
    t = await start({ environment: { LICTOR_EVENTS_RETENTION_DAYS: '30' } })
    const agent = await t.agent()
    const other = await t.otherTenant()
    const key = await t.request({ method: 'POST', url: '/api/v1/keys', headers: other, payload: { env: 'production' } })
    const theirs = { authorization: `Bearer ${key.json().key}` }
    await send(agent, 500)
    await send(theirs, 500)
    // By then the whole of March is older than 30 days.
    t.clock.set(t.clock.now() + 62 * DAY_MS)
    await send(agent, 1)
    await send(theirs, 2)
    const count = async (headers: Headers) =>
      (await t.request({ method: 'GET', url: '/api/v1/events?limit=1000', headers })).json().length
    await t.clock.advance(1)
    const { db, dialect } = t.server.database
    // Nobody reads meanwhile: a month that somebody reads is purged in steps, and its table stays.
    const tables = async () => (await db.introspection.getTables()).map(({ name }) => name)
    if (dialect === 'postgres') await expect.poll(tables).not.toContain('events_2026_03')
    await expect.poll(() => count(agent)).toBe(1)
    await expect.poll(() => count(theirs)).toBe(2)
    expect(await verify(await exported())).toMatchObject({ events: 1 })
    if (dialect === 'sqlite') {
      const free = async () => {
        const { rows } = await sql<{ freelist_count: number }>`pragma freelist_count`.execute(db)
        return rows[0]?.freelist_count
      }
      await expect.poll(free).toBe(0)
    }
  })

  it('only an administrator takes the log out, and sees the own tenant alone', async () => {
    t = await start()
    const agent = await t.agent()
    await send(agent, 2)
    const other = await t.otherTenant()
    expect((await verify(await exported(other))).events).toBe(0)
    for (const [headers, status] of [
      [agent, 401],
      [await t.member(), 403],
      [{}, 401],
    ] as const)
      expect((await t.request({ method: 'GET', url: '/api/v1/events/export', headers })).statusCode).toBe(status)
  })
})
