import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'
import { seldomEventsOfSqlite } from './0006-event-indexes.ts'
import { columnsBesideIds } from './events.ts'

/**
 * On SQLite the ids, which tell duplicates, are unique within their generation, 32,768 events in the order they came: see
 * `storage/events/stored-ids.ts`. And as on PostgreSQL, of two filters that are common apart and rare together the second is judged
 * in the index of the first; what contracts decided is counted without reading the events.
 */
export function eventGenerations(dialect: Dialect): Migration {
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of dialect === 'postgres' ? [] : sqlite) await sql.raw(statement).execute(db)
    },
  }
}

const names =
  'id, tenant_id, call_id, agent_id, tool_name, verdict, mode, env, timestamp, decision_name, payload, created_at'

// A column's own `unique` cannot be taken from it: the table is made anew. Its counter goes on where it was, also past what was purged.
const sqlite = [
  `create table events_anew (seq integer primary key autoincrement, id text not null, ${columnsBesideIds})`,
  `insert into events_anew (seq, ${names}) select seq, ${names} from events order by seq`,
  "delete from sqlite_sequence where name = 'events_anew'",
  "insert into sqlite_sequence (name, seq) select 'events_anew', seq from sqlite_sequence where name = 'events'",
  'drop table events',
  'alter table events_anew rename to events',
  'create index events_by_time on events (tenant_id, timestamp, seq, env)',
  'create index events_by_agent on events (tenant_id, agent_id, timestamp, seq, tool_name, verdict, env)',
  'create index events_by_tool on events (tenant_id, tool_name, timestamp, seq, verdict, env)',
  ...seldomEventsOfSqlite,
  "create index events_by_decision on events (tenant_id, timestamp, decision_name, verdict, env) where decision_name <> ''",
  'create unique index events_by_id on events (seq >> 15, id)',
  'create table event_id_filters (generation integer primary key, filter blob not null)',
]
