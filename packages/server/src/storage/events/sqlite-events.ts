import type { StatementSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Micros } from '../instants.ts'
import type { Schema } from '../schema.ts'
import { beginChains, finishedPurge, unfinishedPurges } from './chains.ts'
import { BEFORE_THE_FIRST, linkBody, linkDigest } from './digests.ts'
import { type EventTable, type EventValues, eventColumns, type PurgedStretch } from './event-table.ts'
import { type CommittedStretch, placesByTenant, stretchesOf } from './links.ts'
import { createStoredIds } from './stored-ids.ts'

/** Rows looked at in one statement: while one runs, the server answers nobody. */
const STRETCH = 5_000
/** Pages given back in one statement. */
const PAGES = 500
/** Of the file, empty pages above which a file that cannot give them back one by one is written anew. */
const MUCH_EMPTY = 0.25

const names = [...eventColumns, 'created_at'].map((column) => `"${column}"`).join(', ')
const places = eventColumns.map(() => '?').join(', ')
const INSERT = `insert into "events" (${names}) values (${places}, ?)`
const HEAD = 'select links, next_seq, digest from event_chains where tenant_id = ?'
const NEW_HEAD =
  'insert into event_chains (tenant_id, links, next_seq, digest, first_link, first_seq, first_digest) values (?, 0, 1, ?, 1, 1, ?)'
const LINK =
  'insert into event_links (tenant_id, number, first, count, start, digests, digest, arrived_at) values (?, ?, ?, ?, ?, ?, ?, ?)'
const ADVANCE = 'update event_chains set links = ?, next_seq = ?, digest = ? where tenant_id = ?'

export function createSqliteEvents(db: Kysely<Schema>, prepare: (sql: string) => StatementSync): EventTable {
  const ids = createStoredIds(prepare)

  /** New rows, tenant by tenant, with consecutive numbers; their places in `rows`. */
  function store(rows: readonly EventValues[], arrivedAt: Micros): { start: number; fresh: number[] } {
    const statement = prepare(INSERT)
    const fresh: number[] = []
    let start = 0
    for (const place of placesByTenant(rows)) {
      const row = rows[place] as EventValues
      if (ids.has(row[0])) continue
      const seq = Number(statement.run(...row, arrivedAt).lastInsertRowid)
      ids.add(seq, row[0])
      if (fresh.push(place) === 1) start = seq
    }
    return { start, fresh }
  }

  /** The transaction holds the connection; what runs within it runs on that same connection, without Kysely's per-row cost. */
  function insert(rows: readonly EventValues[], arrivedAt: Micros): boolean[] {
    ids.follow()
    const { start, fresh } = store(rows, arrivedAt)
    const stored = fresh.map((place) => rows[place] as EventValues)
    for (const stretch of stretchesOf(stored, start, arrivedAt)) append(stretch, arrivedAt)
    const isNew = rows.map(() => false)
    for (const place of fresh) isNew[place] = true
    return isNew
  }

  function append({ tenantId, start, count, digests }: CommittedStretch, arrivedAt: Micros): void {
    const head = prepare(HEAD)
    let last = head.get(tenantId)
    if (!last) {
      prepare(NEW_HEAD).run(tenantId, BEFORE_THE_FIRST, BEFORE_THE_FIRST)
      last = head.get(tenantId)
    }
    const [number, first] = [Number(last?.links) + 1, Number(last?.next_seq)]
    const digest = linkDigest(last?.digest as Uint8Array, linkBody(digests))
    prepare(LINK).run(tenantId, number, first, count, start, digests, digest, arrivedAt)
    prepare(ADVANCE).run(number, first + count, digest, tenantId)
  }

  async function purge(stretches: readonly PurgedStretch[]): Promise<number> {
    let deleted = 0
    for (const { tenantId, cutoff } of stretches) {
      deleted += await deleteInStretches(tenantId, cutoff)
      await finishedPurge(db, tenantId, cutoff)
    }
    if (deleted > 0) await db.transaction().execute(async () => ids.forgetPurged())
    return deleted
  }

  async function deleteInStretches(tenantId: string, cutoff: Micros): Promise<number> {
    const range = await db
      .selectFrom('events')
      .select((e) => [e.fn.min('seq').as('first'), e.fn.max('seq').as('last')])
      .executeTakeFirst()
    let deleted = 0
    if (!range || range.first === null) return deleted
    for (let from = Number(range.first); from <= Number(range.last); from += STRETCH) {
      const result = await db
        .deleteFrom('events')
        .where('seq', '>=', from)
        .where('seq', '<', from + STRETCH)
        .where('tenant_id', '=', tenantId)
        .where('created_at', '<', cutoff)
        .executeTakeFirst()
      deleted += Number(result.numDeletedRows)
      await setImmediate()
    }
    return deleted
  }

  const pragma = (name: string): number => Number(Object.values(prepare(`pragma ${name}`).get() ?? {})[0] ?? 0)

  /** Give back some pages, or all at once where the file cannot otherwise; whether there are more. */
  function giveBack(): boolean {
    const empty = pragma('freelist_count')
    if (empty === 0) return false
    if (pragma('auto_vacuum') !== INCREMENTAL) {
      // A file that was made without it learns it by being written anew, once.
      if (empty < pragma('page_count') * MUCH_EMPTY) return false
      prepare(`pragma auto_vacuum = ${INCREMENTAL}`).get()
      prepare('vacuum').run()
    } else prepare(`pragma incremental_vacuum(${PAGES})`).all()
    prepare('pragma wal_checkpoint(passive)').all()
    const left = pragma('freelist_count')
    if (left === 0) prepare('pragma wal_checkpoint(truncate)').all()
    return left > 0 && left < empty
  }

  return {
    insert: async (rows, arrivedAt, within) =>
      within ? insert(rows, arrivedAt) : db.transaction().execute(async () => insert(rows, arrivedAt)),
    find: (id) =>
      db.transaction().execute(async () => {
        ids.follow()
        return ids.find(id)
      }),
    prepare: () => db.transaction().execute(async () => ids.follow()),
    async finishPurge() {
      const unfinished = await unfinishedPurges(db)
      if (unfinished.length > 0) await purge(unfinished)
    },
    purge,
    async reclaim() {
      for (let isMore = true; isMore; await setImmediate())
        isMore = await db.connection().execute(async () => giveBack())
    },
    async prepareRestore() {},
    finishRestore: (within) => beginChains(within),
  }
}

/** `pragma auto_vacuum`: empty pages stay in the file until they are asked for. */
export const INCREMENTAL = 2
