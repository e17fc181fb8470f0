import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Runs of workflows: the state of each, and the log of events that led to it. */
export function workflowRuns(): Migration {
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements) await sql.raw(statement).execute(db)
    },
  }
}

const statements = [
  `create table workflow_runs (
    id text not null primary key,
    tenant_id text not null,
    workflow_id text not null,
    workflow_name text not null,
    definition text not null,
    status text not null,
    current_state text not null,
    reason text,
    input text not null,
    state text not null,
    sequence integer not null,
    pending text,
    entered_at bigint not null,
    due_at bigint,
    is_released integer not null,
    owner text not null,
    heartbeat_at bigint not null,
    generation integer not null,
    started_by text not null,
    started_at bigint not null,
    updated_at bigint not null,
    ended_at bigint
  )`,
  'create index workflow_runs_by_tenant on workflow_runs (tenant_id, started_at)',
  'create index workflow_runs_by_owner on workflow_runs (is_released, owner)',
  'create index workflow_runs_by_status on workflow_runs (tenant_id, status)',
  'create index workflow_runs_by_workflow on workflow_runs (workflow_id, tenant_id)',
  `create table workflow_run_log (
    run_id text not null references workflow_runs (id) on delete cascade,
    sequence integer not null,
    type text not null,
    event text not null,
    at bigint not null,
    primary key (run_id, sequence)
  )`,
]
