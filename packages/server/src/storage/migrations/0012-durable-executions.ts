import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/**
 * Executions that outlive the server that runs them: what was said and done in each attempt, entry by entry, who runs an execution
 * now, and what time it has used. An execution may have been begun by another.
 */
export function durableExecutions(): Migration {
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements) await sql.raw(statement).execute(db)
    },
  }
}

const statements = [
  `create table execution_turns (
    execution_id text not null,
    iteration integer not null,
    position integer not null,
    kind text not null,
    data text not null,
    created_at bigint not null,
    primary key (execution_id, iteration, position)
  )`,
  'alter table executions add column generation integer not null default 0',
  'alter table executions add column adoptions integer not null default 0',
  'alter table executions add column spent_ms bigint not null default 0',
  'alter table executions add column parent_id text',
  'alter table executions add column child_key text',
  "alter table executions add column ancestors text not null default '[]'",
  'alter table executions add column end_told integer not null default 0',
  'create unique index executions_by_parent on executions (parent_id, child_key) where parent_id is not null',
  'alter table execution_iterations add column stderr text',
  'alter table execution_iterations add column history text',
  'alter table execution_iterations add column spent_before_ms bigint not null default 0',
  'alter table execution_iterations drop column "loop"',
]
