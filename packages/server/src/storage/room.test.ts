import { existsSync, mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, startTestServer, type TestServer } from '../../test/harness.ts'
import { createRoomOf, isStorageFull } from './room.ts'

const MIB = 1024 * 1024
let t: TestServer
afterEach(() => t?.close())

it('room is held back while a server runs and given up when it starts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lictor-room-'))
  const room = createRoomOf(folder)
  room.reserve()
  expect(statSync(join(folder, 'reserve')).size).toBe(4 * MIB)
  room.release()
  expect(existsSync(join(folder, 'reserve'))).toBe(false)
  room.release()
})

it('a full database is told from a wrong statement, whoever says it', () => {
  const database = new DatabaseSync(':memory:')
  database.exec('create table t (x); pragma max_page_count = 3')
  const thrownBy = (statement: string): unknown => {
    try {
      database.exec(statement)
    } catch (error) {
      return error
    }
    return null
  }
  expect(isStorageFull(thrownBy('insert into t values (zeroblob(1000000))'))).toBe(true)
  expect(isStorageFull(thrownBy('insert into nothing values (1)'))).toBe(false)
  for (const code of ['ENOSPC', 'EDQUOT', '53100'])
    expect(isStorageFull(Object.assign(new Error(), { code }))).toBe(true)
  for (const other of [Object.assign(new Error(), { code: '23505' }), 'ENOSPC', null])
    expect(isStorageFull(other)).toBe(false)
})

onEachDatabase('a full disk', (start) => {
  it('is said by every probe while it lasts, and no longer', async () => {
    let free = 100 * MIB
    t = await start({ overrides: { freeBytes: () => free } })
    const headers = await t.admin()
    const ask = (url: string) => t.request({ method: 'GET', url, headers })
    expect((await ask('/api/v1/health/details')).json()).toMatchObject({ storage: { free_bytes: free, full: false } })
    free = 1 * MIB
    const ready = await ask('/api/v1/health/ready')
    expect([ready.statusCode, ready.json()]).toMatchObject([503, { status: 'not_ready', storage: { full: true } }])
    expect((await ask('/health/ready')).json()).toMatchObject({ status: 'degraded', storage: 'full' })
    expect((await ask('/api/v1/health')).json()).toMatchObject({ status: 'degraded' })
    expect((await ask('/api/v1/health/details')).statusCode).toBe(503)
    expect((await ask('/api/v1/health/live')).statusCode).toBe(200)
    free = 50 * MIB
    expect((await ask('/api/v1/health/ready')).statusCode).toBe(200)
  })
})

it('what finds no room is refused for now, changes nothing, and succeeds once there is room', async () => {
  t = await startTestServer()
  const headers = await t.agent()
  const { db } = t.server.database
  const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(db)
  const limit = (pages: number) => sql`pragma max_page_count = ${sql.lit(pages)}`.execute(db)
  const report = (text: string) =>
    t.request({
      method: 'POST',
      url: '/api/v1/events',
      headers,
      payload: {
        events: [
          {
            call_id: text.slice(0, 8),
            agent_id: 'a',
            tool_name: 't',
            verdict: 'call_allowed',
            mode: 'enforce',
            timestamp: '2026-03-01T00:00:00Z',
            payload: { text },
          },
        ],
      },
    })
  await limit((rows[0]?.page_count ?? 0) + 4)
  const refused = await report(`full-1--${'x'.repeat(MIB)}`)
  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '30'])
  expect(refused.json().detail).toContain('The disk of the server is full')
  await limit(1_000_000)
  expect((await report(`full-1--${'x'.repeat(MIB)}`)).json()).toMatchObject({ accepted: 1, duplicates: 0 })
})
