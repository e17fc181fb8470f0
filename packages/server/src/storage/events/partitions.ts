import { type Kysely, sql } from 'kysely'
import type { Queryable } from '../database.ts'
import type { Micros } from '../instants.ts'
import type { Schema } from '../schema.ts'
import { type Month, monthNamed, monthOf } from './months.ts'

/**
 * The months of the audit log on PostgreSQL. Events are partitioned by the time of their **arrival**, because that is what a purge
 * goes by: a month is dropped when all of it arrived before the cutoff, whatever instants clients gave their events. Questions are
 * asked by those instants; each partition has the index for them, and PostgreSQL merges a dozen ordered scans as they are read.
 */

/** Months made ahead, beside the current one. */
const MONTHS_AHEAD = 3
/** What changes the set of partitions waits no longer than this for readers, because everybody else would wait behind it. */
const LOCK_WAIT = '500ms'
const PURGED = 'events_purged_'

const besideEvents = new Set(['event_ids', 'event_id_filters'])

/** Tables that are parts of `events`, on either database: read and written through it, or made of it. */
export const isPartOfEvents = (table: string): boolean =>
  /^events_(\d{4}_\d{2}|default)$/.test(table) || table.startsWith(PURGED) || besideEvents.has(table)

/** Make the partitions of this month and the next that are missing; those that readers hold up are made at a later turn. */
export async function makeMonths(db: Kysely<Schema>, now: Micros): Promise<void> {
  const known = new Set((await monthsOf(db)).map((month) => month.name))
  for (let later = 0; later <= MONTHS_AHEAD; later++) {
    const month = monthOf(now, later)
    if (known.has(month.name)) continue
    await unlessHeldUp(() => db.transaction().execute((within) => makeMonth(month, within)))
  }
}

/** Where no partition of its month exists, an event went into the default one: it moves. */
export async function makeMonth({ name, start, end }: Month, within: Queryable): Promise<void> {
  const table = sql.table(`events_${name}`)
  await sql`set local lock_timeout = ${sql.lit(LOCK_WAIT)}`.execute(within)
  // One after the other: servers that start together make the same months.
  await sql`select pg_advisory_xact_lock(hashtextextended('event_partitions', 42))`.execute(within)
  const exists = await sql`select 1 from pg_class where oid = to_regclass(${`events_${name}`})`.execute(within)
  if (exists.rows.length > 0) return
  await sql`lock table events_default in access exclusive mode`.execute(within)
  await sql`create table ${table} (like events including defaults including constraints)`.execute(within)
  await sql`
    with moved as (delete from events_default where created_at >= ${sql.lit(start)} and created_at < ${sql.lit(end)} returning *)
    insert into ${table} select * from moved
  `.execute(within)
  await sql`alter table events attach partition ${table} for values from (${sql.lit(start)}) to (${sql.lit(end)})`.execute(
    within,
  )
}

/** Months that have a partition, oldest first. */
export async function monthsOf(db: Queryable): Promise<Month[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'events'::regclass
  `.execute(db)
  return rows
    .map(({ name }) => name.slice('events_'.length))
    .filter((name) => name !== 'default')
    .sort()
    .map(monthNamed)
}

/**
 * Take a month out of the log as a whole, if it holds events of these tenants alone. From the commit on nobody sees them; their ids
 * and the table go in `dropTakenOut`. Null when another tenant's are among them, or readers hold it up.
 */
export async function takeOut(
  db: Kysely<Schema>,
  { name }: Month,
  tenantIds: readonly string[],
): Promise<string | null> {
  const table = sql.table(`events_${name}`)
  const taken = `${PURGED}${name}`
  const others = async (within: Queryable) => {
    // From tenant to tenant in the order of the index, whatever number of events each has.
    const { rows } = await sql<{ other: string | null }>`
      with recursive found as (
        (select tenant_id from ${table} order by tenant_id limit 1)
        union all
        select (select e.tenant_id from ${table} e where e.tenant_id > found.tenant_id order by e.tenant_id limit 1)
        from found where found.tenant_id is not null
      )
      select tenant_id as other from found where tenant_id <> all(${tenantIds}::text[]) limit 1
    `.execute(within)
    return rows.length > 0
  }
  if (await others(db)) return null
  const isTaken = await unlessHeldUp(() =>
    db.transaction().execute(async (within) => {
      await sql`set local lock_timeout = ${sql.lit(LOCK_WAIT)}`.execute(within)
      await sql`alter table events detach partition ${table}`.execute(within)
      if (await others(within)) throw new Error(`Events of another tenant arrived in a month that is over (${name}).`)
      await sql`alter table ${table} rename to ${sql.ref(taken)}`.execute(within)
      return true
    }),
  )
  return isTaken ? taken : null
}

/** Months that were taken out and not dropped yet: a purge was cut off. */
export async function takenOut(db: Queryable): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class where relkind = 'r' and relname like ${`${PURGED.replaceAll('_', '\\_')}%`}
      and relnamespace = current_schema()::regnamespace
  `.execute(db)
  return rows.map(({ name }) => name)
}

/** Undefined when a lock was not to be had in time. */
async function unlessHeldUp<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if ((error as { code?: unknown }).code === '55P03') return undefined
    throw error
  }
}
