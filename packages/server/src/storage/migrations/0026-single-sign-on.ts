import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'

/** Providers at which people of a tenant sign in, sign-ins under way, and who somebody of a provider is here. */
export function singleSignOn(dialect: Dialect): Migration {
  const bytes = dialect === 'postgres' ? 'bytea' : 'blob'
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements(bytes)) await sql.raw(statement).execute(db)
    },
  }
}

const statements = (bytes: string): string[] => [
  `create table identity_providers (
    tenant_id text not null references tenants (id),
    kind text not null,
    settings_sealed ${bytes} not null,
    updated_at bigint not null,
    primary key (tenant_id, kind)
  )`,
  `create table sign_ins (
    state_hash text not null primary key,
    tenant_id text not null references tenants (id),
    kind text not null,
    browser_hash text not null,
    secret_sealed ${bytes} not null,
    return_to text not null,
    expires_at bigint not null,
    used_at bigint
  )`,
  'create index sign_ins_by_end on sign_ins (expires_at)',
  `create table external_identities (
    tenant_id text not null references tenants (id),
    issuer text not null,
    subject text not null,
    user_id text not null references users (id),
    created_at bigint not null,
    primary key (tenant_id, issuer, subject)
  )`,
  'create index external_identities_by_user on external_identities (user_id)',
]
