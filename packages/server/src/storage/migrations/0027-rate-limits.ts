import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Limits that administrators set for a tenant or a user, and what was counted against limits. */
export function rateLimits(): Migration {
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements) await sql.raw(statement).execute(db)
    },
  }
}

const statements = [
  `create table rate_limit_overrides (
    id text not null primary key,
    tenant_id text not null,
    user_id text,
    resource_type text not null,
    bucket text not null,
    limit_value bigint not null,
    burst_value bigint,
    created_at bigint not null,
    updated_at bigint not null
  )`,
  `create unique index rate_limit_overrides_once on rate_limit_overrides
    (tenant_id, coalesce(user_id, ''), resource_type, bucket)`,
  `create table rate_limit_counters (
    scope_type text not null,
    scope_id text not null,
    resource_type text not null,
    bucket text not null,
    window_seconds integer not null,
    window_start bigint not null,
    counter bigint not null,
    limit_value bigint,
    primary key (scope_type, scope_id, resource_type, bucket)
  )`,
]
