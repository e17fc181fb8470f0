import { PassThrough, Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type Start, startTestServer, type TestServer } from '../../../test/harness.ts'
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
})
