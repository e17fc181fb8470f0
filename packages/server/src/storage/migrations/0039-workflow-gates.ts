import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'
import { columnTypes } from './columns.ts'

/** Documents of kind Workflow in versions, and which of them hold the agents of a bundle to an order; no name: none from then on. */
export function workflowGates(dialect: Dialect): Migration {
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements(dialect)) await sql.raw(statement).execute(db)
    },
  }
}

const statements = (dialect: Dialect) => [
  `create table gate_documents (
    id text not null primary key,
    tenant_id text not null,
    name text not null,
    version integer not null,
    revision_hash text not null,
    yaml_bytes ${columnTypes(dialect).bytes} not null,
    stage_count integer not null,
    uploaded_by text not null,
    created_at bigint not null,
    unique (tenant_id, name, version)
  )`,
  `create table gate_deployments (
    seq ${dialect === 'postgres' ? 'bigserial primary key' : 'integer primary key autoincrement'},
    id text not null unique,
    tenant_id text not null,
    env text not null,
    bundle_name text not null,
    gates_name text,
    gates_version integer,
    deployed_by text not null,
    created_at bigint not null
  )`,
  'create index gate_deployments_current on gate_deployments (tenant_id, env, bundle_name, seq)',
]
