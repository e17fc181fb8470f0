import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'
import { columnTypes } from './columns.ts'

/** Security contexts of tenants, SEAL's keys, workloads, sessions and accepted envelopes, and what was refused. */
export function seal(dialect: Dialect): Migration {
  const { bytes } = columnTypes(dialect)
  const statements = [
    `create table security_contexts (
      tenant_id text not null,
      name text not null,
      definition text not null,
      version integer not null,
      created_at bigint not null,
      updated_at bigint not null,
      updated_by text not null,
      primary key (tenant_id, name)
    )`,
    `create table seal_token_keys (
      id text not null primary key,
      public_pem text not null,
      private_key_sealed ${bytes} not null,
      created_at bigint not null
    )`,
    `create table seal_workloads (
      id text not null primary key,
      tenant_id text not null,
      workload_id text not null,
      token_hash text not null unique,
      allowed_contexts text not null,
      agent_id text not null,
      agent_name text not null,
      execution_id text not null,
      env text not null,
      created_by text not null,
      created_at bigint not null,
      expires_at bigint,
      revoked_at bigint
    )`,
    'create index seal_workloads_of_tenant on seal_workloads (tenant_id, workload_id)',
    `create table seal_sessions (
      id text not null primary key,
      tenant_id text not null,
      agent_id text not null,
      agent_name text not null,
      execution_id text not null,
      env text not null,
      public_key text not null,
      token_hash text not null unique,
      security_context text not null,
      allowed_tool_patterns text not null,
      proof text not null,
      principal text,
      user_id text,
      workload_id text,
      zaru_tier text,
      status text not null,
      revoked_reason text,
      created_at bigint not null,
      expires_at bigint not null,
      ended_at bigint
    )`,
    'create index seal_sessions_of_execution on seal_sessions (tenant_id, execution_id, status)',
    'create index seal_sessions_by_proof on seal_sessions (tenant_id, proof, status)',
    'create index seal_sessions_by_expiry on seal_sessions (status, expires_at)',
    `create table seal_envelopes (
      session_id text not null,
      signature text not null,
      until_at bigint not null,
      primary key (session_id, signature)
    )`,
    'create index seal_envelopes_by_age on seal_envelopes (until_at)',
    `create table security_incidents (
      id text not null primary key,
      tenant_id text not null,
      category text not null,
      severity text not null,
      agent_id text,
      execution_id text,
      session_id text,
      tool_name text,
      details text not null,
      occurred_at bigint not null
    )`,
    'create index security_incidents_newest on security_incidents (tenant_id, occurred_at)',
  ]
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements) await sql.raw(statement).execute(db)
    },
  }
}
