import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Servers that share this database, and what tenants have subscribed to. */
export function nodesAndSubscriptions(): Migration {
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements) await sql.raw(statement).execute(db)
    },
  }
}

const statements = [
  `create table nodes (
    id text not null primary key,
    hostname text not null,
    version text not null,
    cpu_cores integer not null,
    memory_bytes bigint not null,
    is_draining integer not null,
    registered_at bigint not null,
    started_at bigint not null,
    heartbeat_at bigint not null
  )`,
  `create table subscriptions (
    tenant_id text not null primary key,
    customer_id text not null unique,
    subscription_id text,
    tier text not null,
    status text not null,
    seats integer not null,
    current_period_end bigint,
    cancel_at_period_end integer not null,
    updated_at bigint not null,
    revision integer not null
  )`,
  `create table billing_events (
    id text not null primary key,
    type text not null,
    received_at bigint not null
  )`,
]
