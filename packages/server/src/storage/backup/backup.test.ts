import { PassThrough, Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, postgresStart, type Start, startTestServer, type TestServer } from '../../../test/harness.ts'
import { readBackup, writeBackup } from './backup.ts'

async function backUp(t: TestServer): Promise<Buffer> {
  const sink = new PassThrough()
  const chunks: Buffer[] = []
  sink.on('data', (chunk: Buffer) => chunks.push(chunk))
  await writeBackup(t.server.database, sink)
  return Buffer.concat(chunks)
}

onEachDatabase('backup and restore', (start: Start) => {
  const open: TestServer[] = []
  afterEach(async () => {
    for (const t of open.splice(0)) await t.close()
  })
  const opened = async (t: Promise<TestServer>) => {
    const server = await t
    open.push(server)
    return server
  }

  it('a restored server knows its users, keys and what comes next, on either database', async () => {
    const first = await opened(start())
    const headers = await first.admin()
    const agent = await first.agent('staging')
    const backup = await backUp(first)
    const second = await opened(startTestServer({ environment: { LICTOR_MASTER_KEY: 'ab'.repeat(32) } }))
    const report = await readBackup(second.server.database, Readable.from([backup]))
    expect(report.rows).toBeGreaterThan(4)
    expect((await second.request({ method: 'GET', url: '/api/v1/keys', headers })).json()).toHaveLength(1)
    expect((await second.request({ method: 'GET', url: '/api/v1/bundles', headers: agent })).statusCode).toBe(200)
    const created = await second.request({
      method: 'POST',
      url: '/api/v1/keys',
      headers,
      payload: { env: 'production' },
    })
    expect(created.statusCode).toBe(201)
    const third = await opened(start())
    await readBackup(third.server.database, Readable.from([await backUp(second)]))
    expect(
      (await third.request({ method: 'POST', url: '/api/v1/keys', headers, payload: { env: 'production' } }))
        .statusCode,
    ).toBe(201)
    expect((await third.request({ method: 'GET', url: '/api/v1/keys', headers })).json()).toHaveLength(3)
  })

  it('refuses a database that holds data, and changes nothing in it', async () => {
    const t = await opened(start())
    await t.admin()
    await expect(readBackup(t.server.database, Readable.from([await backUp(t)]))).rejects.toThrow('already holds data')
  })

  it.each([
    ['bytes that are no gzip', Buffer.from('hello')],
    ['another text', gzipSync('hello\n')],
    ['a backup of a newer version', gzipSync('{"format":"lictor-backup","version":1,"migrations":["9999-later"]}\n')],
    [
      'a backup cut short',
      gzipSync(
        '{"format":"lictor-backup","version":1,"migrations":[]}\n{"table":"tenants","columns":["id","slug","name","created_at"]}\n["a","b"',
      ),
    ],
  ])('refuses %s and leaves the database empty', async (_what, bytes) => {
    const t = await opened(start())
    await expect(readBackup(t.server.database, Readable.from([bytes]))).rejects.toThrow(/backup/i)
    expect(await t.server.database.db.selectFrom('tenants').selectAll().execute()).toEqual([])
  })

  it('events come back as they were on either database: every month, the places of pages, and what is a duplicate', async () => {
    const t = await opened(start())
    const agent = await t.agent()
    const sent: object[] = []
    for (let month = 0; month < 7; month++) {
      const events = Array.from({ length: 40 }, (_, index) => ({
        call_id: `call-${month}-${index}`,
        agent_id: 'agent-1',
        tool_name: 'exec',
        verdict: 'call_allowed',
        mode: 'enforce',
        timestamp: new Date(t.clock.now() - index * 86_400_000).toISOString(),
        payload: { month, text: 'Ärger 日本 🜁 \u0000 \u2028 \u2029' },
      }))
      sent.push(...events)
      expect((await send(t, agent, events)).json()).toEqual({ accepted: 40, duplicates: 0 })
      t.clock.set(t.clock.now() + 30 * 86_400_000)
    }
    const before = await pages(t, agent)
    expect(before.events).toHaveLength(280)
    const backup = await backUp(t)
    for (const begin of [startTestServer, postgresStart()]) {
      if (!begin) continue
      const copy = await opened(begin())
      copy.clock.set(t.clock.now())
      expect(await readBackup(copy.server.database, Readable.from([backup]))).toMatchObject({
        rows: expect.any(Number),
      })
      const headers = { authorization: agent.authorization ?? '' }
      expect(await pages(copy, headers)).toEqual(before)
      const late = { ...sent[0], call_id: 'late', timestamp: new Date(t.clock.now()).toISOString() }
      expect((await send(copy, headers, [sent[3], sent[279], late])).json()).toEqual({ accepted: 1, duplicates: 2 })
      expect((await pages(copy, headers)).events[0]).toMatchObject({ call_id: 'late' })
    }
  })

  it('a table whose key has several columns comes back whole', async () => {
    const t = await opened(start())
    await t.admin()
    const { tenant_id } = await t.server.database.db.selectFrom('users').select('tenant_id').executeTakeFirstOrThrow()
    const values = Array.from({ length: 4_500 }, (_, index) => ({
      tenant_id,
      key: `key-${(index * 7919) % 4_500}`,
      value: String(index),
      expires_at: Number.MAX_SAFE_INTEGER,
    }))
    for (let from = 0; from < values.length; from += 1_000)
      await t.server.database.db
        .insertInto('session_values')
        .values(values.slice(from, from + 1_000))
        .execute()
    const copy = await opened(start())
    await readBackup(copy.server.database, Readable.from([await backUp(t)]))
    const restored = await copy.server.database.db.selectFrom('session_values').selectAll().execute()
    const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1)
    expect(restored.sort(byKey)).toEqual(values.sort(byKey))
  })
})

const send = (t: TestServer, headers: Record<string, string>, events: readonly unknown[]) =>
  t.request({ method: 'POST', url: '/api/v1/events', headers, payload: { events } })

/** All events an agent sees, and the places where the pages began. */
async function pages(t: TestServer, headers: Record<string, string>): Promise<{ events: object[]; places: string[] }> {
  const events: object[] = []
  const places: string[] = []
  for (let cursor = ''; ; ) {
    const page = await t.request({ method: 'GET', url: `/api/v1/events?limit=100${cursor}`, headers })
    events.push(...page.json())
    const next = page.headers['x-next-cursor']
    if (next === undefined) return { events, places }
    places.push(String(next))
    cursor = `&cursor=${next}`
  }
}
