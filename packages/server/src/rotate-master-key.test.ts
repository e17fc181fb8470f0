import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, startTestServer, type TestServer } from '../test/harness.ts'
import { serviceHeaders } from '../test/runtime.ts'
import { createNaclSecretBox } from './adapters/secret-box/nacl.ts'
import { readConfig } from './config.ts'
import { openDatabase } from './open-database.ts'
import { rotateMasterKeyOf } from './rotate-master-key.ts'
import { sealedColumns } from './storage/rewrap.ts'

/** Nobody is called. */
const overrides = {
  outbound: { check: async () => {}, send: async () => ({ status: 200, headers: {}, body: '' }) },
}

const script = fileURLToPath(new URL('../test/rotate-and-die.ts', import.meta.url))

/** Something sealed in every column that there is. */
async function fill(t: TestServer): Promise<Record<string, string>> {
  const headers = await t.admin()
  const send = async (method: 'POST' | 'PUT', url: string, payload: object) => {
    const answer = await t.request({ method, url, headers, payload })
    if (answer.statusCode >= 300) throw new Error(answer.body)
    return answer
  }
  await serviceHeaders(t)
  for (const value of ['one', 'two']) await send('PUT', '/v1/secrets/db/password', { value })
  await send('POST', '/v1/credentials/api-keys', { name: 'k', provider: 'p', api_key: 'key-value' })
  await send('PUT', '/v1/credentials/providers/p', {
    authorization_url: 'https://login.example.com/a',
    token_url: 'https://login.example.com/t',
    client_id: 'c',
    client_secret: 'client-secret',
    redirect_uris: ['https://app.example.com/'],
  })
  await send('POST', '/v1/credentials/oauth/initiate', { provider: 'p' })
  await send('POST', '/api/v1/notifications/channels', {
    name: 'hook',
    channel_type: 'webhook',
    config: { url: 'https://hooks.example.com/x', secret: 'hook-secret' },
  })
  await send('PUT', '/api/v1/settings/ai', { provider: 'openai', api_key: 'sk-secret', model: 'm' })
  return headers
}

/** How many sealed values of a database open with a key, and how many there are. */
async function opening(
  environment: Readonly<Record<string, string>>,
  key: Uint8Array,
): Promise<[opened: number, all: number]> {
  const database = await openDatabase(readConfig(environment), { warn: () => {} })
  const box = createNaclSecretBox(key)
  let opened = 0
  let all = 0
  try {
    for (const { table, column } of await sealedColumns(database, database.db)) {
      const { rows } = await sql<{
        sealed: Uint8Array | null
      }>`select ${sql.ref(column)} as sealed from ${sql.table(table)}`.execute(database.db)
      for (const { sealed } of rows) {
        if (sealed === null) continue
        all++
        try {
          box.open(sealed)
          opened++
        } catch {
          // Sealed with another key.
        }
      }
    }
  } finally {
    await database.close()
  }
  return [opened, all]
}

const keyOf = (environment: Readonly<Record<string, string>>, file = 'master.key') =>
  Buffer.from(readFileSync(join(environment.LICTOR_DATA_DIR ?? '', file), 'utf8').trim(), 'hex')

onEachDatabase('rotating the master key', (start) => {
  let t: TestServer
  afterEach(() => t?.close())

  it('seals every value anew: the new key opens all, the old one nothing, and the server works as before', async () => {
    t = await start({ overrides })
    const headers = await fill(t)
    const { environment } = t
    const before = keyOf(environment)
    await t.server.close()
    const [opened, all] = await opening(environment, before)
    expect(opened).toBe(all)
    expect(all).toBeGreaterThanOrEqual(8)
    const rotated = await rotateMasterKeyOf(readConfig(environment), { isFromEnvironment: false, newKeyFile: null })
    expect(rotated).toMatchObject({ kind: 'rotated', values: all, mustBeSet: false })
    const after = keyOf(environment)
    expect(after.equals(before)).toBe(false)
    expect(await opening(environment, before)).toEqual([0, all])
    expect(await opening(environment, after)).toEqual([all, all])
    expect(existsSync(join(environment.LICTOR_DATA_DIR ?? '', 'master.key.next'))).toBe(false)
    await t.restart()
    const read = await t.request({ method: 'GET', url: '/v1/secrets/db/password', headers })
    expect(read.json()).toMatchObject({ value: 'two', version: 2 })
    writeFileSync(join(environment.LICTOR_DATA_DIR ?? '', 'old.key'), before.toString('hex'))
    await t.server.close()
    const refused = startTestServer({ environment: { ...environment, LICTOR_MASTER_KEY: before.toString('hex') } })
    await expect(refused).rejects.toThrow(/LICTOR_MASTER_KEY/)
  })

  it('a key of the environment is written to a file that is named, and a second call finds everything done', async () => {
    const key = 'ab'.repeat(32)
    t = await start({ environment: { LICTOR_MASTER_KEY: key }, overrides })
    await fill(t)
    const { environment } = t
    await t.server.close()
    const config = readConfig(environment)
    const file = join(environment.LICTOR_DATA_DIR ?? '', 'next.key')
    await expect(rotateMasterKeyOf(config, { isFromEnvironment: true, newKeyFile: null })).rejects.toThrow(
      /--new-key-file/,
    )
    const options = { isFromEnvironment: true, newKeyFile: file }
    expect(await rotateMasterKeyOf(config, options)).toMatchObject({ kind: 'rotated', file, mustBeSet: true })
    expect(await rotateMasterKeyOf(config, options)).toMatchObject({ kind: 'already', values: 0 })
    await expect(
      rotateMasterKeyOf(readConfig({ ...environment, LICTOR_MASTER_KEY: 'cd'.repeat(32) }), {
        isFromEnvironment: true,
        newKeyFile: join(environment.LICTOR_DATA_DIR ?? '', 'third.key'),
      }),
    ).rejects.toThrow(/not the one this database was written under/)
    const [opened, all] = await opening(environment, Buffer.from(readFileSync(file, 'utf8').trim(), 'hex'))
    expect(opened).toBe(all)
  })

  it('a value that does not open keeps every other as it was', async () => {
    t = await start({ overrides })
    await fill(t)
    const { environment } = t
    await t.server.database.db
      .updateTable('oauth_flows')
      .set({ flow_sealed: Buffer.alloc(60) })
      .execute()
    await t.server.close()
    const config = readConfig(environment)
    const before = await opening(environment, config.masterKey)
    await expect(rotateMasterKeyOf(config, { isFromEnvironment: false, newKeyFile: null })).rejects.toThrow(
      /oauth_flows\.flow_sealed/,
    )
    expect(await opening(environment, config.masterKey)).toEqual(before)
  })
})

it('killed at any step, one key opens everything, and the next start or call goes on', async () => {
  const t = await startTestServer({ overrides })
  const headers = await fill(t)
  const folder = t.environment.LICTOR_DATA_DIR ?? ''
  await t.server.close()
  const before = keyOf(t.environment)
  const copies: string[] = []
  try {
    let step = 0
    for (let isDone = false; !isDone; step++) {
      const copy = mkdtempSync(join(tmpdir(), 'lictor-rotate-'))
      copies.push(copy)
      cpSync(folder, copy, { recursive: true })
      const ran = spawnSync(process.execPath, ['--conditions=@lictor/source', script, copy, String(step)], {
        encoding: 'utf8',
      })
      isDone = ran.status === 0
      if (!isDone) expect([ran.signal, ran.stderr]).toEqual(['SIGKILL', ''])
      const environment = { ...t.environment, LICTOR_DATA_DIR: copy }
      const [opened, all] = await opening(environment, before)
      // All or nothing.
      expect([0, all]).toContain(opened)
      const next = existsSync(join(copy, 'master.key.next'))
        ? keyOf(environment, 'master.key.next')
        : keyOf(environment)
      if (opened === 0) expect(await opening(environment, next)).toEqual([all, all])
      if (step % 2 === 0) {
        await rotateMasterKeyOf(readConfig(environment), { isFromEnvironment: false, newKeyFile: null })
        expect(await opening(environment, before)).toEqual([0, all])
      } else {
        const again = await startTestServer({ environment })
        const read = await again.request({ method: 'GET', url: '/v1/secrets/db/password', headers })
        expect([step, read.statusCode, read.json().value]).toEqual([step, 200, 'two'])
        await again.server.close()
      }
    }
    // Every table with something sealed, a statement for each value, the proof, and the two around the key file.
    expect(step).toBeGreaterThan(20)
  } finally {
    for (const copy of copies) rmSync(copy, { recursive: true, force: true })
    await t.close().catch(() => {})
  }
}, 300_000)
