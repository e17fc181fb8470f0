import { CompiledQuery, type Kysely, sql } from 'kysely'
import type { Queryable } from '../database.ts'
import type { Micros } from '../instants.ts'
import type { Schema } from '../schema.ts'
import { beginChains, finishedPurge, unfinishedPurges } from './chains.ts'
import { copyOf, release, uuidArray } from './copy-rows.ts'
import { BEFORE_THE_FIRST, linkBody } from './digests.ts'
import { type EventTable, type EventValues, eventColumns, type PurgedStretch } from './event-table.ts'
import { type CommittedStretch, placesByTenant, stretchesOf } from './links.ts'
import { monthOf } from './months.ts'
import { makeMonth, makeMonths, monthsOf, takenOut, takeOut } from './partitions.ts'

/** Rows of one statement of a purge: each is short, so that what is being written does not wait. */
const STRETCH = 10_000
/** Of a month that was taken out: nobody else sees its rows, and to forget many ids at once costs little more than to forget few. */
const TAKEN_OUT_STRETCH = 250_000
/** Numbers that a process takes at once, and gives its events without a gap. Part of migration 0009. */
const BLOCK = 2 ** 14
const COPY = `copy events (seq, ${eventColumns.join(', ')}, created_at) from stdin (format binary)`

export function createPostgresEvents(
  db: Kysely<Schema>,
  exclusively: <T>(name: string, work: () => Promise<T>) => Promise<T>,
): EventTable {
  let block = { next: 0, end: 0 }

  /** The first of so many consecutive numbers, at most a block. What is not used of a block when it does not suffice is left out. */
  async function takeNumbers(count: number, within: Queryable): Promise<number> {
    while (block.end - block.next < count) {
      const { rows } = await sql<{ first: number }>`select nextval('events_seq_seq') as first`.execute(within)
      const first = Number(rows[0]?.first)
      // Another insert may have found a block meanwhile.
      if (block.end - block.next < count) block = { next: first, end: first + BLOCK }
    }
    const first = block.next
    block = { next: first + count, end: block.end }
    return first
  }

  async function insertBlock(rows: readonly EventValues[], arrivedAt: Micros, within: Queryable): Promise<boolean[]> {
    const isFirst = firstOfEach(rows)
    const ids = rows.filter((_, index) => isFirst[index]).map((row) => row[0])
    const start = await takeNumbers(ids.length, within)
    const known = await knownOf(ids, start, within)
    const isNew = isFirst.map((first, index) => first && !known.has(rows[index]?.[0] ?? ''))
    const fresh = placesByTenant(rows)
      .filter((place) => isNew[place])
      .map((place) => rows[place] as EventValues)
    if (fresh.length > 0) {
      const copy = copyOf(fresh, start, arrivedAt)
      await within.executeQuery(CompiledQuery.raw(COPY, [copy]))
      release(copy)
      // Last of all: whoever takes the next link of the same chain waits from here to the commit.
      for (const stretch of stretchesOf(fresh, start, arrivedAt)) await append(stretch, arrivedAt, within)
    }
    return isNew
  }

  async function purge(stretches: readonly PurgedStretch[]): Promise<number> {
    await dropLeftovers()
    let deleted = 0
    for (const month of await monthsOf(db)) {
      const over = stretches.filter(({ cutoff }) => month.end <= cutoff)
      if (over.length === 0) break
      const taken = await takeOut(
        db,
        month,
        over.map(({ tenantId }) => tenantId),
      )
      if (taken) deleted += await drop(taken)
    }
    for (const { tenantId, cutoff } of stretches) {
      deleted += await deleteInStretches(tenantId, cutoff)
      await finishedPurge(db, tenantId, cutoff)
    }
    return deleted
  }

  return {
    async insert(rows, arrivedAt, within) {
      if (rows.length === 0) return []
      const insertAll = async (transaction: Queryable): Promise<boolean[]> => {
        const isNew: boolean[] = []
        for (let from = 0; from < rows.length; from += BLOCK)
          isNew.push(...(await insertBlock(rows.slice(from, from + BLOCK), arrivedAt, transaction)))
        return isNew
      }
      return within ? insertAll(within) : db.transaction().execute(insertAll)
    },
    async find(id) {
      const known = await sql<{ place: number | null }>`select place from event_ids where id = ${id}`.execute(db)
      const place = known.rows[0]?.place
      if (place === undefined) return undefined
      // Ids of before numbers were taken in blocks do not say where.
      const near = place === null ? sql`true` : sql`seq >= ${place} and seq < ${place + BLOCK}`
      const { rows } = await sql<{ seq: number }>`select seq from events where ${near} and id = ${id}`.execute(db)
      return rows[0]?.seq
    },
    prepare: (now) => makeMonths(db, now),
    async finishPurge() {
      const unfinished = await unfinishedPurges(db)
      if (unfinished.length > 0 || (await takenOut(db)).length > 0)
        await exclusively('event_purge', async () => purge(await unfinishedPurges(db)))
    },
    purge: (stretches) => exclusively('event_purge', () => purge(stretches)),
    // A month that was dropped is given back at once; what is deleted within one is room for what comes.
    async reclaim() {},
    async prepareRestore(arrivals, within) {
      const months = new Map(arrivals.map((arrival) => monthOf(arrival)).map((month) => [month.name, month]))
      for (const month of months.values()) await makeMonth(month, within)
    },
    async finishRestore(within) {
      await sql`insert into event_ids (id, place) select id, seq from events`.execute(within)
      await beginChains(within)
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

/** One statement, which finds the last link and makes the next: the head of the chain is held no longer than it must be. */
async function append(stretch: CommittedStretch, arrivedAt: Micros, within: Queryable): Promise<void> {
  const { tenantId, start, count, digests } = stretch
  const body = linkBody(digests)
  await sql`
    with head as (
      insert into event_chains as c (tenant_id, links, next_seq, digest, first_link, first_seq, first_digest)
      values (${tenantId}, 1, 1 + ${count}::bigint, sha256(${BEFORE_THE_FIRST}::bytea || ${body}::bytea), 1, 1, ${BEFORE_THE_FIRST})
      on conflict (tenant_id) do update set
        links = c.links + 1, next_seq = c.next_seq + ${count}::bigint, digest = sha256(c.digest || ${body}::bytea)
      returning links, next_seq - ${count}::bigint as first, digest
    )
    insert into event_links (tenant_id, number, first, count, start, digests, digest, arrived_at)
    select ${tenantId}, links, first, ${count}::bigint, ${start}::bigint, ${digests}::bytea, digest, ${arrivedAt}::bigint from head
  `.execute(within)
}

/**
 * Store the ids that are new, with where their events stand; those that were stored before. In the order of the index: two
 * transactions that share ids wait for each other in the same order, never crosswise.
 */
async function knownOf(ids: readonly string[], place: number, within: Queryable): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ id: string }>`
    with sent as materialized (select unnest(${uuidArray(ids)}::uuid[]) as id order by 1),
    fresh as (insert into event_ids (id, place) select id, ${place}::bigint from sent on conflict do nothing returning id)
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
