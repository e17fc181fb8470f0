import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import type { Database } from './database.ts'
import { columnArray } from './postgres-arrays.ts'
import type { Schema } from './schema.ts'

const INT8 = 20
/** Bulk transactions at once: while the server commits one, the next is inserted. */
const WRITERS = 3

/** What each column of a bulk insert is, for `unnest`. Columns not named here are text. */
const columnTypes: Readonly<Record<string, 'bigint' | 'integer'>> = {
  timestamp: 'bigint',
  created_at: 'bigint',
  expires_at: 'bigint',
  version: 'integer',
  dashboard: 'integer',
}

/** Connect to PostgreSQL at `url`. Connections are made when first needed. */
export function openPostgres(url: string, onIdleError: (error: Error) => void): Database {
  const pool = new pg.Pool({
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
  return {
    dialect: 'postgres',
    db,
    writers: WRITERS,
    isInProcess: false,
    async insertIgnoring(table, columns, rows, within) {
      if (rows.length === 0) return []
      const arrays = columns.map((column, index) => {
        const type = columnTypes[column] ?? 'text'
        return sql`${columnArray(rows, index, type)}::${sql.raw(type)}[]`
      })
      const names = sql.join(columns.map((column) => sql.ref(column)))
      const inserted = await sql<{ id: string }>`
        insert into ${sql.table(table)} (${names}) select * from unnest(${sql.join(arrays)}) on conflict do nothing returning ${sql.ref(columns[0] ?? 'id')} as id
      `.execute(within)
      const ids = new Set(inserted.rows.map((row) => row.id))
      // Of rows that share a key the first is the one inserted.
      return rows.map((row) => ids.delete(String(row[0])))
    },
    async lock(name, within) {
      await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 42))`.execute(within)
    },
    exclusively: (name, work) =>
      // Held by a connection, not a transaction: `work` uses others.
      db.connection().execute(async (holder) => {
        await sql`select pg_advisory_lock(hashtextextended(${name}, 42))`.execute(holder)
        try {
          return await work()
        } finally {
          await sql`select pg_advisory_unlock(hashtextextended(${name}, 42))`.execute(holder)
        }
      }),
    async ping() {
      const started = performance.now()
      await sql`select 1`.execute(db)
      return performance.now() - started
    },
    close: () => db.destroy(),
  }
}
