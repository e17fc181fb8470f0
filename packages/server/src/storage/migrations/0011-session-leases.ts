import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Executions of sessions that were begun and have not ended: they count against a limit beside the counters. */
export function sessionLeases(): Migration {
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements) await sql.raw(statement).execute(db)
    },
  }
}

const statements = [
  `create table session_leases (
    id text not null primary key,
    tenant_id text not null,
    session text not null,
    tool text not null,
    expires_at bigint not null
  )`,
  'create index session_leases_open on session_leases (tenant_id, session, expires_at)',
  'create index session_leases_by_expiry on session_leases (expires_at)',
]
