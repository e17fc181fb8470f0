import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'

/** Several tenants with members in roles; invitations, second factors, links that set a password; administrative acts. */
export function people(dialect: Dialect): Migration {
  const bytes = dialect === 'postgres' ? 'bytea' : 'blob'
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements(bytes)) await sql.raw(statement).execute(db)
    },
  }
}

const statements = (bytes: string): string[] => [
  // `name` is unique since the first release, and two organisations may well be called the same.
  'alter table tenants add column display_name text',
  'update tenants set display_name = name',
  "alter table tenants add column kind text not null default 'team'",
  "alter table tenants add column status text not null default 'active'",
  "alter table tenants add column tier text not null default 'enterprise'",
  'alter table tenants add column quotas text',
  'alter table tenants add column updated_at bigint',
  'alter table tenants add column deleted_at bigint',
  `create table members (
    tenant_id text not null references tenants (id),
    user_id text not null references users (id),
    role text not null,
    joined_at bigint not null,
    invited_at bigint,
    primary key (tenant_id, user_id)
  )`,
  'create index members_by_user on members (user_id)',
  // Of those who were administrators the first owns the tenant.
  `insert into members (tenant_id, user_id, role, joined_at)
    select tenant_id, id,
      case when is_admin = 0 then 'member'
        when id = (select first.id from users first where first.tenant_id = users.tenant_id and first.is_admin = 1
          order by first.created_at, first.id limit 1) then 'owner'
        else 'admin' end,
      created_at
    from users`,
  `alter table users add column totp_sealed ${bytes}`,
  'alter table users add column totp_confirmed_at bigint',
  'alter table users add column totp_step bigint',
  'alter table user_sessions add column address text',
  'alter table user_sessions add column user_agent text',
  'alter table user_sessions add column method text',
  'create index user_sessions_by_user on user_sessions (user_id)',
  `create table invitations (
    id text not null primary key,
    tenant_id text not null references tenants (id),
    email text not null,
    role text not null,
    token_hash text not null unique,
    invited_by text not null,
    created_at bigint not null,
    expires_at bigint not null,
    closed_at bigint,
    accepted_by text
  )`,
  'create index invitations_by_tenant on invitations (tenant_id, created_at)',
  `create table password_links (
    token_hash text not null primary key,
    user_id text not null references users (id),
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint
  )`,
  'create index password_links_by_user on password_links (user_id)',
  `create table recovery_codes (
    user_id text not null references users (id),
    code_hash text not null,
    used_at bigint,
    primary key (user_id, code_hash)
  )`,
  `create table administrative_acts (
    id text not null primary key,
    tenant_id text not null,
    at bigint not null,
    actor text not null,
    principal text not null,
    action text not null,
    target text not null,
    details text not null,
    status integer
  )`,
  'create index administrative_acts_by_tenant on administrative_acts (tenant_id, at)',
]
