import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import pino from 'pino'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { manualClock } from '../../test/manual-clock.ts'
import { postgresDatabase, type Restored, releasedVersions, restoreReleased } from '../../test/released.ts'
import { createServer, type Server } from '../app.ts'
import { readConfig } from '../config.ts'
import type { Database } from './database.ts'
import { migrate, released } from './migrate.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'

const newest = releasedVersions().at(-1) ?? ''
const script = fileURLToPath(new URL('../../test/half-migrated.ts', import.meta.url))

/** Everything that a migration could change: tables with their columns, indexes, and the rows of what the tests touch. */
async function stateOf({ db, dialect }: Database): Promise<unknown> {
  const tables = (await db.introspection.getTables()).map(({ name, columns }) => [
    name,
    columns.map((column) => column.name),
  ])
  const indexes =
    dialect === 'sqlite'
      ? await sql`select name, sql from sqlite_master where type = 'index' order by name`.execute(db)
      : await sql`select indexname, indexdef from pg_indexes where schemaname = 'public' order by indexname`.execute(db)
  const applied = await sql`select name from kysely_migration order by name`.execute(db)
  const tenants = await sql`select * from tenants order by id`.execute(db)
  return { tables, indexes: indexes.rows, applied: applied.rows, tenants: tenants.rows }
}

for (const dialect of ['sqlite', 'postgres'] as const)
  describe.skipIf(dialect === 'postgres' && inject('postgresUrl') === '')(`migrating (${dialect})`, () => {
    let restored: Restored
    let child: ChildProcess | null = null
    afterEach(async () => {
      child?.kill('SIGKILL')
      child = null
      await restored.clean()
    })

    /** Whoever looks only, holds nothing that another process needs. */
    const open = (asReader: boolean): Database => {
      const { DATABASE_URL, LICTOR_DATA_DIR } = restored.environment
      return DATABASE_URL
        ? openPostgres(DATABASE_URL, () => {})
        : openSqlite(join(String(LICTOR_DATA_DIR), 'lictor.db'), { asReader })
    }
    const working = async <T>(work: (database: Database) => Promise<T>, asReader = false): Promise<T> => {
      const database = open(asReader)
      try {
        return await work(database)
      } finally {
        await database.close()
      }
    }

    const state = () => working(stateOf, true)

    it('a migration that fails leaves the database as it was, and the next start goes on from there', async () => {
      restored = await restoreReleased(newest, dialect)
      const before = await state()
      await working(async (database) => {
        const broken = {
          ...released,
          '9998-changes': () => ({
            up: async (db: Database['db']) => {
              await sql`create table half_made (a integer)`.execute(db)
              await sql`update tenants set name = name || ' half'`.execute(db)
            },
          }),
          '9999-fails': () => ({ up: async () => Promise.reject(new Error('no such luck')) }),
        }
        await expect(migrate(database, broken as never)).rejects.toThrow(
          'The database could not be brought up to date: no such luck',
        )
      })
      expect(await state()).toEqual(before)
      expect(await working((database) => migrate(database))).toEqual(
        Object.keys(released).filter((name) => !JSON.stringify(before).includes(`"${name}"`)),
      )
    })

    it('a server killed half-way leaves the database as it was', async () => {
      restored = await restoreReleased(newest, dialect)
      const before = await state()
      child = spawn(process.execPath, ['--conditions=@lictor/source', script], {
        env: { ...process.env, DATABASE_URL: '', ...restored.environment },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
      expect(line.toString()).toBe('half-way\n')
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      expect(await state()).toEqual(before)
      // On PostgreSQL the turn is free once the server has noticed: `migrate` waits for it.
      await working((database) => migrate(database))
      expect(await state()).toMatchObject({ applied: Object.keys(released).map((name) => ({ name })) })
    })

    it('a database that a newer version wrote is refused by name', async () => {
      restored = await restoreReleased(newest, dialect)
      await working(async (database) => {
        await migrate(database, { ...released, '9999-later': () => ({ up: async () => {} }) })
        await expect(migrate(database)).rejects.toThrow('The database was written by a newer version of Lictor')
      })
    })
  })

describe.skipIf(inject('postgresUrl') === '')('servers that start at once (postgres)', () => {
  const servers: Server[] = []
  const folders: string[] = []
  let clean = async () => {}
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close()
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
    await clean()
  })

  /** Each has a data folder of its own. */
  const startThree = async (environment: Readonly<Record<string, string>>, now: number): Promise<void> => {
    const starting = Array.from({ length: 3 }, () => {
      const folder = mkdtempSync(join(tmpdir(), 'lictor-at-once-'))
      folders.push(folder)
      return createServer(
        readConfig({ ...environment, LICTOR_DATA_DIR: folder, LICTOR_PORT: '0' }),
        pino({ level: 'silent' }),
        {
          clock: manualClock(now),
          passwordCost: 16,
          consoleDir: null,
        },
      )
    })
    servers.push(...(await Promise.all(starting)))
  }
  const applied = async () =>
    (await sql<{ name: string }>`select name from kysely_migration order by name`.execute(databaseOf())).rows.map(
      ({ name }) => name,
    )
  const databaseOf = () => (servers[0] as Server).database.db

  it('on an empty database make it once, and all of them serve', async () => {
    const made = await postgresDatabase()
    clean = made.drop
    await startThree({ DATABASE_URL: made.url, LICTOR_MASTER_KEY: 'ab'.repeat(32) }, Date.UTC(2026, 2, 1))
    expect(await applied()).toEqual(Object.keys(released).sort())
    for (const { http } of servers)
      expect((await http.inject({ method: 'GET', url: '/api/v1/health' })).json()).toMatchObject({ status: 'ok' })
  })

  it('on the data of an earlier version bring it up to date once, and all of them serve', async () => {
    const restored = await restoreReleased(releasedVersions()[0] ?? '', 'postgres')
    clean = restored.clean
    await startThree(restored.environment, restored.facts.now)
    expect(await applied()).toEqual(Object.keys(released).sort())
    for (const { http } of servers) {
      const answer = await http.inject({
        method: 'GET',
        url: '/api/v1/events',
        headers: { authorization: `Bearer ${restored.facts.agentKey}` },
      })
      expect(answer.json()).toMatchObject(restored.facts.answers['/api/v1/events'] as object[])
    }
  })
})
