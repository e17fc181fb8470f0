import { mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, startTestServer, type TestServer } from '../../test/harness.ts'
import { createServer } from '../app.ts'
import { readConfig } from '../config.ts'

const start = (environment: Record<string, string>) =>
  createServer(readConfig(environment), pino({ level: 'silent' }), { consoleDir: null })

onEachDatabase('starting', (begin) => {
  let t: TestServer
  afterEach(() => t.close())

  it('with another master key than the data was written under is refused by name', async () => {
    t = await begin()
    await t.admin()
    await t.server.close()
    await expect(start({ ...t.environment, LICTOR_MASTER_KEY: 'ab'.repeat(32) })).rejects.toThrow(
      'The master key is not the one',
    )
    const again = await start(t.environment)
    await again.close()
  })
})

it('the database file is readable by its owner only', async () => {
  const t = await startTestServer()
  expect(statSync(join(String(t.environment.LICTOR_DATA_DIR), 'lictor.db')).mode & 0o077).toBe(0)
  await t.close()
})

it('a PostgreSQL that does not answer is named with its setting', async () => {
  const LICTOR_DATA_DIR = mkdtempSync(join(tmpdir(), 'lictor-start-'))
  await expect(start({ LICTOR_DATA_DIR, DATABASE_URL: 'postgres://x@127.0.0.1:9/x' })).rejects.toThrow(
    'PostgreSQL at DATABASE_URL does not answer',
  )
})
