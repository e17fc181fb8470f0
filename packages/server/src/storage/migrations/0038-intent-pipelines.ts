import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** What was asked for in words and is written, checked and run by a workflow. */
export const intentPipelines = (): Migration => ({
  up: async (db: Kysely<never>) => {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
})

const statements = [
  `create table intent_pipelines (
    id text not null primary key,
    tenant_id text not null,
    run_id text not null,
    intent text not null,
    language text not null,
    status text not null,
    final_result text,
    failed_at_state text,
    reason text,
    started_at bigint not null,
    ended_at bigint
  )`,
  'create unique index intent_pipelines_by_run on intent_pipelines (run_id)',
]
