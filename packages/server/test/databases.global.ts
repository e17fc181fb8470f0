import { rmSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { systemRandom } from '../src/adapters/random/system.ts'
import type { Database } from '../src/storage/database.ts'
import { microsOf } from '../src/storage/instants.ts'
import { migrate } from '../src/storage/migrate.ts'
import { openPostgres } from '../src/storage/postgres.ts'
import { openSqlite } from '../src/storage/sqlite.ts'
import { manualClock } from './manual-clock.ts'
import { startPostgres } from './postgres.ts'
import { scratchFolder } from './scratch.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Address of a PostgreSQL server of this run's own, up to the database name; empty where none is installed. */
    postgresUrl: string
    /** A migrated SQLite file; each test starts from a copy, so that it does not migrate again. */
    sqliteTemplate: string
    /** PKCS#8 PEM of the RSA key that the servers of tests get where they make their first. */
    rsaKey: string
  }
}

/** The migrated database that each test's PostgreSQL database is copied from. */
export const POSTGRES_TEMPLATE = 'lictor_template'

/** One PostgreSQL server for the whole run, and a migrated template of each database. In CI a missing PostgreSQL fails the run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = scratchFolder('lictor-template-')
  const file = join(folder, 'lictor.db')
  await migrated(openSqlite(file))
  project.provide('sqliteTemplate', file)
  project.provide('rsaKey', String((await systemRandom.rsaKey()).privateKey.export({ type: 'pkcs8', format: 'pem' })))

  const server = await startPostgres({ durable: false })
  if (!server && process.env.CI) throw new Error('PostgreSQL is not installed, and CI runs its suites.')
  if (!server) console.warn('PostgreSQL is not installed: its suites are skipped.')
  project.provide('postgresUrl', server?.url ?? '')
  if (server) {
    const client = new pg.Client({ connectionString: `${server.url}/postgres` })
    await client.connect()
    await client.query(`create database ${POSTGRES_TEMPLATE}`)
    await client.end()
    await migrated(openPostgres(`${server.url}/${POSTGRES_TEMPLATE}`, () => {}))
  }
  return async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function migrated(database: Database): Promise<void> {
  await migrate(database)
  // The months in which the tests' clocks begin: made once, and copied.
  await database.events.prepare(microsOf(manualClock().now()))
  await database.close()
}
