import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** What a run may do that an execution started: no more than that one. */
export function workflowRunsOfAgents(): Migration {
  return {
    up: async (db: Kysely<never>) => {
      await sql.raw('alter table workflow_runs add column security_context text').execute(db)
      await sql.raw('create index workflow_run_children_by_id on workflow_run_children (id)').execute(db)
    },
  }
}
