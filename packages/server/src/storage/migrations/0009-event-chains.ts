import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'
import { columnTypes } from './columns.ts'

/**
 * A chain of digests over the events of each tenant, in the order in which they arrived, and previews of large payloads. On
 * PostgreSQL a process takes the numbers of events in blocks, so that those of a commit have no gaps, and the table of the ids says
 * where an event stands.
 */
export function eventChains(dialect: Dialect): Migration {
  const { bytes } = columnTypes(dialect)
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of [...tables(bytes), ...(dialect === 'postgres' ? postgres : [])])
        await sql.raw(statement).execute(db)
      const digest = sql`${Buffer.alloc(32)}`
      // Events that are stored already stand in no chain: the first of a chain comes behind all of them.
      await sql`
        insert into event_chains (tenant_id, links, next_seq, digest, first_link, first_seq, first_digest, unchained)
        select t.id, 0, e.last + 1, ${digest}, 1, e.last + 1, ${digest}, e.last
        from tenants t, (select coalesce(max(seq), 0) as last from events) e where e.last > 0
      `.execute(db)
    },
  }
}

const tables = (bytes: string) => [
  'alter table events add column preview text',
  `create table event_chains (
    tenant_id text not null primary key,
    links bigint not null,
    next_seq bigint not null,
    digest ${bytes} not null,
    first_link bigint not null,
    first_seq bigint not null,
    first_digest ${bytes} not null,
    unchained bigint not null default 0,
    purging_before bigint
  )`,
  `create table event_links (
    tenant_id text not null,
    number bigint not null,
    first bigint not null,
    count bigint not null,
    start bigint,
    digests ${bytes},
    entry text,
    digest ${bytes} not null,
    arrived_at bigint not null,
    primary key (tenant_id, number)
  )`,
  'create index event_links_by_start on event_links (tenant_id, start)',
  'create index event_links_by_first on event_links (tenant_id, first)',
  `create table event_checkpoints (
    tenant_id text not null,
    number bigint not null,
    statement text not null,
    public_key ${bytes} not null,
    signature ${bytes} not null,
    primary key (tenant_id, number)
  )`,
]

const postgres = ['alter table event_ids add column place bigint', 'alter sequence events_seq_seq increment by 16384']
