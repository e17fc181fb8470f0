import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** What is started by the clock. */
export function schedules(): Migration {
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements) await sql.raw(statement).execute(db)
    },
  }
}

const statements = [
  `create table schedules (
    id text not null primary key,
    tenant_id text not null,
    name text not null,
    kind text not null,
    target text not null,
    timing text not null,
    missed text not null,
    input text not null,
    intent text,
    enabled integer not null,
    agent_id text,
    next_at bigint,
    last_due_at bigint,
    last_run_id text,
    last_error text,
    started bigint not null,
    created_by text not null,
    created_at bigint not null,
    updated_at bigint not null,
    unique (tenant_id, name)
  )`,
  'create index schedules_by_next on schedules (next_at)',
  'create index schedules_by_agent on schedules (agent_id)',
]
