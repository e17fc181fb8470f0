import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Runs that states of other runs began, and what a run has to end when it does. */
export function workflowChildren(): Migration {
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements) await sql.raw(statement).execute(db)
    },
  }
}

const statements = [
  'alter table workflow_runs add column parent_id text',
  'alter table workflow_runs add column parent_entry integer',
  'alter table workflow_runs add column parent_depth integer',
  `create table workflow_run_children (
    run_id text not null references workflow_runs (id) on delete cascade,
    id text not null,
    kind text not null,
    entry integer not null,
    primary key (run_id, id)
  )`,
]
