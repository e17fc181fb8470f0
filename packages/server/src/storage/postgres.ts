import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { advanceOnPostgres } from './advance-runs.ts'
import type { Database } from './database.ts'
import { createPostgresEvents } from './events/postgres-events.ts'
import { CopyingClient } from './postgres-copy.ts'
import type { Schema } from './schema.ts'

const INT8 = 20
/** Bulk transactions at once: while the server commits one, the next is inserted. */
const WRITERS = 3

/** Connect to PostgreSQL at `url`. Connections are made when first needed. */
export function openPostgres(url: string, onIdleError: (error: Error) => void): Database {
  const pool = new pg.Pool({
    Client: CopyingClient,
    connectionString: url,
    max: 20,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
    },
  })
  pool.on('error', onIdleError)
  // Between two statements of a transaction nobody else listens: the next statement fails, the process goes on.
  pool.on('connect', (client) => client.on('error', () => {}))
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
  const exclusively = <T>(name: string, work: () => Promise<T>): Promise<T> =>
    // Held by a connection, not a transaction: `work` uses others.
    db.connection().execute(async (holder) => {
      await sql`select pg_advisory_lock(hashtextextended(${name}, 42))`.execute(holder)
      try {
        return await work()
      } finally {
        await sql`select pg_advisory_unlock(hashtextextended(${name}, 42))`.execute(holder)
      }
    })
  return {
    dialect: 'postgres',
    db,
    // Its connections commit each by itself: here nothing is ahead.
    ahead: db,
    async onDisk() {},
    events: createPostgresEvents(db, exclusively),
    advanceRuns: advanceOnPostgres,
    writers: WRITERS,
    isInProcess: false,
    async lock(name, within) {
      await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 42))`.execute(within)
    },
    async lockAll(names, within) {
      await sql`select pg_advisory_xact_lock(hashtextextended(name, 42)) from unnest(${names.toSorted()}::text[]) as name`.execute(
        within,
      )
    },
    exclusively,
    connections: () => ({ open: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    async ping() {
      const started = performance.now()
      await sql`select 1`.execute(db)
      return performance.now() - started
    },
    close: () => db.destroy(),
  }
}
