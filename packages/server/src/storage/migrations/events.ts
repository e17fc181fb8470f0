import { type Kysely, sql } from 'kysely'
import type { Dialect } from '../database.ts'

/** The audit log. On PostgreSQL by month of arrival; the months' partitions are made by the server that runs (`storage/events/`). */
export async function makeEvents(db: Kysely<never>, dialect: Dialect): Promise<void> {
  const statements = dialect === 'postgres' ? postgres : sqlite
  for (const statement of statements) await sql.raw(statement).execute(db)
}

export const columnsBesideIds = `
  tenant_id text not null,
  call_id text not null,
  agent_id text not null,
  tool_name text not null,
  verdict text not null,
  mode text not null,
  env text,
  timestamp bigint not null,
  decision_name text not null,
  payload text,
  created_at bigint not null
`

const sqlite = [
  `create table events (seq integer primary key autoincrement, id text not null unique, ${columnsBesideIds})`,
  'create index events_by_time on events (tenant_id, timestamp, seq)',
  'create index events_by_agent on events (tenant_id, agent_id, timestamp)',
]

/**
 * A unique index of a partitioned table holds the partition's key, so it cannot tell duplicates over all months: the ids have a
 * table of their own. What stands behind `seq` in an index is there to be judged without reading the event: of two filters that
 * are common apart and rare together. Texts by their beginnings, as in migration 0006.
 */
const postgres = [
  `create table events (seq bigserial, id uuid not null, ${columnsBesideIds}, primary key (seq, created_at)) partition by range (created_at)`,
  'create table events_default partition of events default',
  'create table event_ids (id uuid primary key)',
  'create index events_by_time on events (tenant_id, timestamp, seq, env)',
  `create index events_by_agent on events
    (tenant_id, agent_id, timestamp, seq, substr(tool_name, 1, 100), substr(verdict, 1, 100), env)`,
]
