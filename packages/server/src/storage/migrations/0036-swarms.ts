import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'

/** Executions that work together: the one that begins them, its children, what they tell each other and what they lock. */
export function swarms(dialect: Dialect): Migration {
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements(dialect)) await sql.raw(statement).execute(db)
    },
  }
}

const statements = (dialect: Dialect) => [
  'alter table executions add column swarm_id text',
  'create index executions_by_swarm on executions (swarm_id) where swarm_id is not null',
  `create table swarms (
    id text not null primary key,
    tenant_id text not null,
    parent_execution_id text not null,
    status text not null,
    reason text,
    created_at bigint not null,
    dissolved_at bigint
  )`,
  'create index swarms_by_tenant on swarms (tenant_id, created_at)',
  "create index swarms_unfinished on swarms (created_at) where status <> 'dissolved'",
  `create table swarm_locks (
    swarm_id text not null,
    resource text not null,
    holder_execution_id text not null,
    holder_agent_id text not null,
    token text not null,
    acquired_at bigint not null,
    expires_at bigint not null,
    primary key (swarm_id, resource)
  )`,
  'create index swarm_locks_by_holder on swarm_locks (holder_execution_id)',
  `create table swarm_messages (
    seq ${dialect === 'postgres' ? 'bigserial primary key' : 'integer primary key autoincrement'},
    swarm_id text not null,
    call_id text not null,
    from_execution_id text not null,
    from_agent_id text not null,
    to_execution_id text not null,
    to_agent_id text not null,
    payload text,
    payload_bytes bigint not null,
    sent_at bigint not null,
    read_by text
  )`,
  'create unique index swarm_messages_by_call on swarm_messages (call_id, to_execution_id)',
  'create index swarm_messages_by_swarm on swarm_messages (swarm_id, seq)',
  'create index swarm_messages_unread on swarm_messages (to_execution_id, seq) where payload is not null',
]
