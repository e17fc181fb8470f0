import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'

/** What comes from outside and begins workflows: where it may come from, and what came. */
export function stimuli(dialect: Dialect): Migration {
  const bytes = dialect === 'postgres' ? 'bytea' : 'blob'
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements(bytes)) await sql.raw(statement).execute(db)
    },
  }
}

const statements = (bytes: string) => [
  `create table stimulus_sources (
    tenant_id text not null,
    source text not null,
    workflow text,
    router_agent text,
    signature text not null,
    secret_sealed ${bytes},
    created_by text not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (source, tenant_id)
  )`,
  'create index stimulus_sources_by_tenant on stimulus_sources (tenant_id, source)',
  `create table stimuli (
    id text not null primary key,
    tenant_id text not null,
    source text not null,
    content text not null,
    encoding text not null,
    headers text not null,
    idempotency_key text,
    received_from text not null,
    status text not null,
    routing_mode text,
    confidence double precision,
    workflow_id text,
    workflow_name text,
    run_id text,
    reason text,
    owner text not null,
    taken_at bigint not null,
    received_at bigint not null,
    last_event_at bigint not null
  )`,
  'create index stimuli_by_tenant on stimuli (tenant_id, received_at)',
  'create index stimuli_by_status on stimuli (status, taken_at)',
  'create index stimuli_by_age on stimuli (received_at)',
]
