import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Scripts that are kept, and git repositories that were cloned into volumes. */
export function scriptsAndRepositories(): Migration {
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements) await sql.raw(statement).execute(db)
    },
  }
}

const statements = [
  `create table scripts (
    id text not null primary key,
    tenant_id text not null,
    owner_kind text not null,
    owner_id text not null,
    name text not null,
    code text not null,
    description text not null,
    tags text not null,
    version integer not null,
    created_by text not null,
    created_at bigint not null,
    updated_at bigint not null
  )`,
  'create unique index scripts_by_owner on scripts (tenant_id, owner_kind, owner_id, name)',
  `create table git_bindings (
    id text not null primary key,
    tenant_id text not null,
    volume_id text not null,
    repo_url text not null,
    ref_kind text not null,
    ref_value text not null,
    credential_id text,
    sparse_paths text not null,
    is_shallow integer not null,
    commit_sha text,
    busy_until bigint,
    created_by text not null,
    created_at bigint not null,
    refreshed_at bigint
  )`,
  'create unique index git_bindings_by_volume on git_bindings (volume_id)',
  'create index git_bindings_by_tenant on git_bindings (tenant_id, created_at)',
]
