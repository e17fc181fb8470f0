import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'

/** What the audit log is asked for by: the tool, and what is seldom. */
export function eventIndexes(dialect: Dialect): Migration {
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of dialect === 'postgres' ? postgres : sqlite) await sql.raw(statement).execute(db)
    },
  }
}

// Most events need no place in these: what is common is found at once in the order of time.
const seldom = "not in ('call_allowed', 'call_executed')"
const observed = "mode <> 'enforce'"
const lesser = "env <> 'production'"

export const seldomEventsOfSqlite = [
  `create index events_by_seldom_verdict on events (tenant_id, verdict, timestamp) where verdict ${seldom}`,
  `create index events_by_agent_and_seldom_verdict on events (tenant_id, agent_id, verdict, timestamp) where verdict ${seldom}`,
  `create index events_by_tool_and_seldom_verdict on events (tenant_id, tool_name, verdict, timestamp) where verdict ${seldom}`,
  `create index events_observed on events (tenant_id, timestamp, seq) where ${observed}`,
  `create index events_by_lesser_env on events (tenant_id, env, timestamp, seq) where ${lesser}`,
]

const sqlite = ['create index events_by_tool on events (tenant_id, tool_name, timestamp)', ...seldomEventsOfSqlite]

// The beginnings of the texts: clients send them as long as they like, and an index of PostgreSQL holds no more than 2,700 bytes.
const tool = 'substr(tool_name, 1, 100)'
const verdict = 'substr(verdict, 1, 100)'

/**
 * As in `events.ts`: what is filtered by stands before the time where few events have it, and behind where most do. An index of what
 * is seldom costs the ingest next to nothing, so there may be several.
 */
const postgres = [
  `create index events_by_tool on events (tenant_id, ${tool}, timestamp, seq, ${verdict}, env)`,
  `create index events_by_seldom_verdict on events (tenant_id, ${verdict}, timestamp, seq, env) where ${verdict} ${seldom}`,
  `create index events_by_agent_and_seldom_verdict on events (tenant_id, agent_id, ${verdict}, timestamp, seq, ${tool}, env) where ${verdict} ${seldom}`,
  `create index events_by_tool_and_seldom_verdict on events (tenant_id, ${tool}, ${verdict}, timestamp, seq, env) where ${verdict} ${seldom}`,
  `create index events_observed on events (tenant_id, timestamp, seq, ${tool}, ${verdict}, agent_id, env) where ${observed}`,
  `create index events_by_lesser_env on events (tenant_id, env, timestamp, seq) where ${lesser}`,
]
