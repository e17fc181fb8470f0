import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'
import { columnTypes } from './columns.ts'

/** What agents of the later SDKs are given and say: bundles as rulesets, the line a key speaks, sessions of approvals, scans of skills. */
export function rulesets(dialect: Dialect): Migration {
  const { bytes } = columnTypes(dialect)
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements(bytes)) await sql.raw(statement).execute(db)
    },
  }
}

const statements = (bytes: string) => [
  `create table offered_rulesets (
    bundle_id text not null primary key,
    tenant_id text not null,
    stored_hash text not null,
    revision_hash text not null,
    yaml_bytes ${bytes} not null,
    signature ${bytes}
  )`,
  'create index offered_rulesets_by_hash on offered_rulesets (tenant_id, revision_hash)',
  "alter table api_keys add column client text not null default 'contracts'",
  'alter table api_keys add column signature text',
  'alter table approvals add column session_id text',
  'alter table agent_registrations add column assigned_bundle text',
  'alter table agent_registrations add column reads text',
  `create table skill_scans (
    tenant_id text not null,
    key_id text not null,
    skills_dir text not null,
    env text not null,
    report text not null,
    received_at bigint not null,
    primary key (tenant_id, key_id, skills_dir)
  )`,
]
