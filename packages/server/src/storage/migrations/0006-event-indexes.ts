import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'

/** What the audit log is asked for by: the tool, and what is seldom (console-api §8.4.2). */
export function eventIndexes(dialect: Dialect): Migration {
  return { up: (db: Kysely<never>) => up(db, dialect) }
}

async function up(db: Kysely<never>, dialect: Dialect): Promise<void> {
  // The beginnings of the texts: clients send them as long as they like, and an index of PostgreSQL holds no more than 2,700 bytes.
  // SQLite is written to by the server's own thread, which this index would cost a quarter of its events: there a tool is searched for.
  if (dialect === 'postgres')
    await sql`create index events_by_tool on events (tenant_id, substr(tool_name, 1, 100), timestamp)`.execute(db)
  // Most events need no place in these: what is common is found at once in the order of time.
  await sql`
    create index events_by_seldom_verdict on events (tenant_id, substr(verdict, 1, 100), timestamp)
    where verdict not in ('call_allowed', 'call_executed')
  `.execute(db)
  await sql`create index events_observed on events (tenant_id, timestamp, seq) where mode <> 'enforce'`.execute(db)
}
