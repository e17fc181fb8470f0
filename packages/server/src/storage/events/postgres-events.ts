import { CompiledQuery, type Kysely, sql } from 'kysely'
import type { Queryable } from '../database.ts'
import type { Micros } from '../instants.ts'
import type { Schema } from '../schema.ts'
import { copyOf, release, uuidArray } from './copy-rows.ts'
import { type EventTable, type EventValues, eventColumns } from './event-table.ts'
import { monthOf } from './months.ts'
import { makeMonth, makeMonths, monthsOf, takenOut, takeOut } from './partitions.ts'

/** Rows of one statement of a purge: each is short, so that what is being written does not wait. */
const STRETCH = 10_000
/** Of a month that was taken out: nobody else sees its rows, and to forget many ids at once costs little more than to forget few. */
const TAKEN_OUT_STRETCH = 250_000
const COPY = `copy events (${eventColumns.join(', ')}) from stdin (format binary)`

export function postgresEvents(
  db: Kysely<Schema>,
  exclusively: <T>(name: string, work: () => Promise<T>) => Promise<T>,
): EventTable {
  return {
    async insert(rows) {
      const isFirst = firstOfEach(rows)
      const ids = rows.filter((_, index) => isFirst[index]).map((row) => row[0])
      if (ids.length === 0) return []
      return db.transaction().execute(async (within) => {
        const known = await knownOf(ids, within)
        const isNew = isFirst.map((first, index) => first && !known.has(rows[index]?.[0] ?? ''))
        const fresh = known.size === 0 && ids.length === rows.length ? rows : rows.filter((_, index) => isNew[index])
        if (fresh.length > 0) {
          const copy = copyOf(fresh)
          await within.executeQuery(CompiledQuery.raw(COPY, [copy]))
          release(copy)
        }
        return isNew
      })
    },
    prepare: (now) => makeMonths(db, now),
    async finishPurge() {
      if ((await takenOut(db)).length > 0) await exclusively('event_purge', dropLeftovers)
    },
    purge: (tenantId, cutoff) =>
      exclusively('event_purge', async () => {
        await dropLeftovers()
        let deleted = 0
        for (const month of await monthsOf(db)) {
          if (month.end > cutoff) break
          const taken = await takeOut(db, month, tenantId)
          if (taken) deleted += await drop(taken)
        }
        return deleted + (await deleteInStretches(tenantId, cutoff))
      }),
    async prepareRestore(arrivals, within) {
      const months = new Map(arrivals.map((arrival) => monthOf(arrival)).map((month) => [month.name, month]))
      for (const month of months.values()) await makeMonth(month, within)
    },
    async finishRestore(within) {
      await sql`insert into event_ids (id) select id from events`.execute(within)
    },
  }

  async function dropLeftovers(): Promise<void> {
    for (const table of await takenOut(db)) await drop(table)
  }

  /** Forget the ids of a month that was taken out, then drop it; how many events it held. */
  async function drop(table: string): Promise<number> {
    let dropped = 0
    const range = await seqRange(sql`${sql.table(table)}`)
    for (let from = range.first; from <= range.last; from += TAKEN_OUT_STRETCH) {
      const { rows } = await sql<{ count: number }>`
        with gone as (select id from ${sql.table(table)} where seq >= ${from} and seq < ${from + TAKEN_OUT_STRETCH}),
        forgotten as (delete from event_ids using gone where event_ids.id = gone.id)
        select count(*) as count from gone
      `.execute(db)
      dropped += Number(rows[0]?.count ?? 0)
    }
    await sql`drop table ${sql.table(table)}`.execute(db)
    return dropped
  }

  async function deleteInStretches(tenantId: string, cutoff: Micros): Promise<number> {
    let deleted = 0
    // The end of the cutoff's month, not the cutoff: the condition holds for whole partitions, and the index answers at once.
    const range = await seqRange(sql`events where created_at < ${monthOf(cutoff).end}`)
    for (let from = range.first; from <= range.last; from += STRETCH) {
      const { rows } = await sql<{ count: number }>`
        with gone as (
          delete from events where seq >= ${from} and seq < ${from + STRETCH} and tenant_id = ${tenantId} and created_at < ${cutoff} returning id
        ),
        forgotten as (delete from event_ids using gone where event_ids.id = gone.id)
        select count(*) as count from gone
      `.execute(db)
      deleted += Number(rows[0]?.count ?? 0)
    }
    return deleted
  }

  async function seqRange(source: ReturnType<typeof sql>): Promise<{ first: number; last: number }> {
    const { rows } = await sql<{ first: number | null; last: number | null }>`
      select min(seq) as first, max(seq) as last from ${source}
    `.execute(db)
    return { first: rows[0]?.first ?? 1, last: rows[0]?.last ?? 0 }
  }
}

/**
 * Store the ids that are new; those that were stored before. In the order of the index: two transactions that share ids wait for
 * each other in the same order, never crosswise.
 */
async function knownOf(ids: readonly string[], within: Queryable): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ id: string }>`
    with sent as materialized (select unnest(${uuidArray(ids)}::uuid[]) as id order by 1),
    fresh as (insert into event_ids (id) select id from sent on conflict do nothing returning id)
    select id from sent where not exists (select from fresh where fresh.id = sent.id)
  `.execute(within)
  return new Set(rows.map((row) => row.id))
}

function firstOfEach(rows: readonly EventValues[]): boolean[] {
  const seen = new Set<string>()
  return rows.map(([id]) => {
    const size = seen.size
    return seen.add(id).size > size
  })
}
