import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** What agents of a tenant have learned: what helped against an error, and how tasks were done. */
export function cortex(): Migration {
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements) await sql.raw(statement).execute(db)
    },
  }
}

const statements = [
  `create table cortex_patterns (
    id text not null primary key,
    tenant_id text not null,
    agent_id text not null,
    execution_id text not null,
    error_signature text not null,
    error_type text not null,
    error_message text not null,
    approach text not null,
    solution text,
    weight double precision not null,
    frequency integer not null,
    success_count integer not null,
    total_count integer not null,
    recalled integer not null,
    recalled_well integer not null,
    created_at bigint not null,
    last_used_at bigint not null,
    decayed_at bigint not null
  )`,
  'create unique index cortex_patterns_by_error on cortex_patterns (tenant_id, error_signature)',
  `create table cortex_trajectories (
    id text not null primary key,
    tenant_id text not null,
    agent_id text not null,
    execution_id text not null,
    task_signature text not null,
    step_names text not null,
    steps text not null,
    weight double precision not null,
    count integer not null,
    created_at bigint not null,
    last_used_at bigint not null,
    decayed_at bigint not null
  )`,
  'create unique index cortex_trajectories_by_task on cortex_trajectories (tenant_id, task_signature, step_names)',
  `create table cortex_uses (
    execution_id text not null,
    pattern_id text not null,
    used_at bigint not null,
    primary key (execution_id, pattern_id)
  )`,
  `create table cortex_decays (
    tenant_id text not null primary key,
    ran_at bigint not null,
    decayed bigint not null,
    removed bigint not null
  )`,
]
