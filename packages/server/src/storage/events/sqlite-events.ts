import { setImmediate } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Schema } from '../schema.ts'
import { type EventTable, eventColumns } from './event-table.ts'

/** Rows looked at in one statement: while one runs, the server answers nobody. */
const STRETCH = 5_000

interface Statement {
  run(...values: never[]): { changes: number | bigint }
}

export function sqliteEvents(db: Kysely<Schema>, prepare: (sql: string) => Statement): EventTable {
  const names = eventColumns.map((column) => `"${column}"`).join(', ')
  const places = eventColumns.map(() => '?').join(', ')
  return {
    async insert(rows, within) {
      // The transaction holds the connection; the statement runs on that same connection, without Kysely's per-row cost.
      if (!within.isTransaction) throw new Error('Events are inserted within a transaction')
      const statement = prepare(`insert into "events" (${names}) values (${places}) on conflict do nothing`)
      return rows.map((row) => Number(statement.run(...(row as readonly unknown[] as never[])).changes) === 1)
    },
    async prepare() {},
    async finishPurge() {},
    async purge(tenantId, cutoff) {
      const range = await db
        .selectFrom('events')
        .select((e) => [e.fn.min('seq').as('first'), e.fn.max('seq').as('last')])
        .executeTakeFirst()
      let deleted = 0
      if (!range || range.first === null) return deleted
      for (let from = Number(range.first); from <= Number(range.last); from += STRETCH) {
        const result = await db
          .deleteFrom('events')
          .where('seq', '>=', from)
          .where('seq', '<', from + STRETCH)
          .where('tenant_id', '=', tenantId)
          .where('created_at', '<', cutoff)
          .executeTakeFirst()
        deleted += Number(result.numDeletedRows)
        await setImmediate()
      }
      return deleted
    },
    async prepareRestore() {},
    async finishRestore() {},
  }
}
