import type { StatementSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Schema } from '../schema.ts'
import { type EventTable, eventColumns } from './event-table.ts'
import { storedIds } from './stored-ids.ts'

/** Rows looked at in one statement: while one runs, the server answers nobody. */
const STRETCH = 5_000

export function sqliteEvents(db: Kysely<Schema>, prepare: (sql: string) => StatementSync): EventTable {
  const ids = storedIds(prepare)
  const names = eventColumns.map((column) => `"${column}"`).join(', ')
  const places = eventColumns.map(() => '?').join(', ')
  return {
    // The transaction holds the connection; what runs within it runs on that same connection, without Kysely's per-row cost.
    insert: (rows) =>
      db.transaction().execute(async () => {
        ids.follow()
        const statement = prepare(`insert into "events" (${names}) values (${places})`)
        return rows.map((row) => {
          if (ids.has(row[0])) return false
          ids.add(Number(statement.run(...row).lastInsertRowid), row[0])
          return true
        })
      }),
    prepare: () => db.transaction().execute(async () => ids.follow()),
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
      await db.transaction().execute(async () => ids.forgetPurged())
      return deleted
    },
    async prepareRestore() {},
    async finishRestore() {},
  }
}
