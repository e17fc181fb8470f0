import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'
import { columnTypes } from './columns.ts'

/** Registered workflows, and every version of each. */
export function workflows(dialect: Dialect): Migration {
  const { serial } = columnTypes(dialect)
  const counting = dialect === 'postgres' ? `${serial} primary key` : `${serial} primary key autoincrement`
  const statements = [
    `create table workflows (
      id text not null primary key,
      tenant_id text not null,
      name text not null,
      version text not null,
      scope text not null,
      manifest text not null,
      manifest_yaml text not null,
      created_at bigint not null,
      updated_at bigint not null
    )`,
    'create unique index workflows_by_name on workflows (tenant_id, name)',
    `create table workflow_versions (
      seq ${counting},
      id text not null unique,
      workflow_id text not null references workflows (id) on delete cascade,
      version text not null,
      manifest text not null,
      manifest_yaml text not null,
      created_at bigint not null
    )`,
    'create unique index workflow_versions_by_version on workflow_versions (workflow_id, version)',
  ]
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements) await sql.raw(statement).execute(db)
    },
  }
}
