import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'

/** Secrets, and what stands for others' systems: credentials with their grants, providers and sign-ins under way, API keys. */
export function secrets(dialect: Dialect): Migration {
  const bytes = dialect === 'postgres' ? 'bytea' : 'blob'
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements(bytes)) await sql.raw(statement).execute(db)
    },
  }
}

const statements = (bytes: string): string[] => [
  `create table secrets (
    tenant_id text not null,
    path text not null,
    version integer not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (tenant_id, path)
  )`,
  `create table secret_versions (
    tenant_id text not null,
    path text not null,
    version integer not null,
    value_sealed ${bytes},
    created_at bigint not null,
    primary key (tenant_id, path, version),
    foreign key (tenant_id, path) references secrets (tenant_id, path)
  )`,
  `create table credentials (
    id text not null primary key,
    tenant_id text not null,
    owner_id text not null,
    label text not null,
    provider text not null,
    credential_type text not null,
    scope text not null,
    status text not null,
    scopes text not null,
    metadata text not null,
    created_at bigint not null,
    updated_at bigint not null,
    last_used_at bigint
  )`,
  'create index credentials_by_tenant on credentials (tenant_id, created_at)',
  'create index credentials_by_label on credentials (tenant_id, label)',
  `create table credential_grants (
    id text not null primary key,
    tenant_id text not null,
    credential_id text not null references credentials (id),
    target_type text not null,
    target_value text,
    permission_type text not null,
    granted_by text not null,
    created_at bigint not null
  )`,
  'create index credential_grants_by_credential on credential_grants (credential_id)',
  `create table oauth_providers (
    tenant_id text not null,
    name text not null,
    settings_sealed ${bytes} not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (tenant_id, name)
  )`,
  `create table oauth_flows (
    id text not null primary key,
    tenant_id text not null,
    provider text not null,
    started_by text not null,
    kind text not null,
    flow_sealed ${bytes} not null,
    created_at bigint not null,
    expires_at bigint not null
  )`,
  'create index oauth_flows_by_expiry on oauth_flows (expires_at)',
  `create table runtime_keys (
    id text not null primary key,
    tenant_id text not null,
    name text not null,
    key_hash text not null unique,
    scopes text not null,
    role text not null,
    owner_kind text not null,
    owner_id text not null,
    created_at bigint not null,
    expires_at bigint,
    last_used_at bigint,
    revoked_at bigint
  )`,
  'create index runtime_keys_by_owner on runtime_keys (tenant_id, owner_id)',
]
