import type { Selectable } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { inRows } from '../../storage/in-rows.ts'
import type { Micros } from '../../storage/instants.ts'
import { type Page, readPage, sizeOf } from '../../storage/page.ts'
import { prepared } from '../../storage/prepared.ts'
import type { JournalEntryRow } from '../../storage/schema.ts'
import type { Subject, SubjectKind } from '../subject.ts'

/** One thing that happened to a subject. */
export interface JournalEntry {
  /** Orders the entries of all subjects of an agent. */
  readonly id: number
  /** From 1, without gaps within the subject. */
  readonly sequence: number
  readonly type: string
  /** JSON of the event as streams carry it. */
  readonly data: string
}

/** Entries of one subject, in their order. */
export interface NewEntries {
  readonly subject: Subject
  readonly scope: TenantScope
  readonly agentId: string | null
  readonly at: number
  readonly entries: readonly Pick<JournalEntry, 'sequence' | 'type' | 'data'>[]
}

/** SQL for the journal. */
export interface JournalStore {
  /** The next free place in the order of a subject's entries, held until the transaction ends. */
  nextSequence(subject: Subject, agentId: string | null, within: Queryable): Promise<number>
  append(all: readonly NewEntries[], within: Queryable): Promise<void>
  /** At most `limit` entries, and 1 MiB. */
  after(subject: Subject, sequence: number, limit: number): Promise<Page<JournalEntry>>
  /** The newest entries of one type, oldest first: at most `limit`, and 1 MiB. */
  newestOfType(subject: Subject, type: string, limit: number): Promise<readonly JournalEntry[]>
  /** Of all subjects of an agent in this tenant. */
  ofAgentAfter(scope: TenantScope, agentId: string, id: number, limit: number): Promise<Page<JournalEntry>>
  /** What a tenant was told that is of no agent, by its place in the tenant's order. */
  ofNobodyAfter(scope: TenantScope, sequence: number, limit: number): Promise<Page<JournalEntry>>
  /** The place of the newest entry of a subject; 0: there is none. */
  lastSequence(subject: Subject): Promise<number>
  /** The id of the first entry of a subject. */
  firstId(subject: Subject): Promise<number | null>
  delete(subject: Subject, within: Queryable): Promise<void>
  /** Forget the entries of every subject of a kind that are older; the newest of each stays, so that counting goes on from it. */
  forget(kind: SubjectKind, before: Micros): Promise<void>
}

export function createJournalStore(database: Database): JournalStore {
  const { db } = database
  const selectLast = prepared((on, { kind, id }: { kind: string; id: string }) =>
    on
      .selectFrom('journal_entries')
      .select((e) => e.fn.max('sequence').as('last'))
      .where('subject_kind', '=', kind)
      .where('subject_id', '=', id),
  )
  const insertRows = prepared((on, rows: RowLists) =>
    on.insertInto('journal_entries').values(
      rows.ids.map((subject_id, index) => ({
        subject_kind: rows.kinds[index] as string,
        subject_id,
        sequence: rows.sequences[index] as number,
        tenant_id: rows.tenants[index] as string,
        agent_id: rows.agents[index] as string | null,
        type: rows.types[index] as string,
        data: rows.data[index] as string,
        created_at: rows.instants[index] as number,
      })),
    ),
  )
  return {
    async nextSequence(subject, agentId, within) {
      // Ids of an agent's entries are handed out in the order their transactions commit, so that a reader misses none. What is told
      // to a tenant of an agent is numbered in the tenant's order as well: by two locks, always taken in this order.
      if (agentId === null || subject.kind === 'tenant') await database.lock(`journal:${subject.id}`, within as never)
      if (agentId !== null) await database.lock(`journal:${agentId}`, within as never)
      const [row] = await selectLast(within, { kind: subject.kind, id: subject.id })
      return Number(row?.last ?? 0) + 1
    },
    async append(all, within) {
      const rows = all.flatMap(({ entries, ...place }) => entries.map((entry) => ({ ...place, entry })))
      await inRows(rows, (some) => insertRows(within, listsOf(some)))
    },
    async after({ kind, id }, sequence, limit) {
      const query = db
        .selectFrom('journal_entries')
        .where('subject_kind', '=', kind)
        .where('subject_id', '=', id)
        .where('sequence', '>', sequence)
        .orderBy('sequence')
      const sizes = query.select(['sequence', sizeOf('data')]).limit(limit)
      return readPage(limit, await sizes.execute(), async (last) =>
        (await query.selectAll().where('sequence', '<=', last.sequence).execute()).map(entryOf),
      )
    },
    async newestOfType({ kind, id }, type, limit) {
      const query = db
        .selectFrom('journal_entries')
        .where('subject_kind', '=', kind)
        .where('subject_id', '=', id)
        .where('type', '=', type)
        .orderBy('sequence', 'desc')
      const sizes = query.select(['sequence', sizeOf('data')]).limit(limit)
      const { rows } = await readPage(limit, await sizes.execute(), async (last) =>
        (await query.selectAll().where('sequence', '>=', last.sequence).execute()).map(entryOf),
      )
      return rows.toReversed()
    },
    async ofAgentAfter({ tenantId }, agentId, id, limit) {
      const query = db
        .selectFrom('journal_entries')
        .where('agent_id', '=', agentId)
        .where('tenant_id', '=', tenantId)
        .where('id', '>', id)
        .orderBy('id')
      const sizes = query.select(['id', sizeOf('data')]).limit(limit)
      return readPage(limit, await sizes.execute(), async (last) =>
        (await query.selectAll().where('id', '<=', last.id).execute()).map(entryOf),
      )
    },
    async ofNobodyAfter({ tenantId }, sequence, limit) {
      const query = db
        .selectFrom('journal_entries')
        .where('subject_kind', '=', 'tenant')
        .where('subject_id', '=', tenantId)
        .where('agent_id', 'is', null)
        .where('sequence', '>', sequence)
        .orderBy('sequence')
      const sizes = query.select(['sequence', sizeOf('data')]).limit(limit)
      return readPage(limit, await sizes.execute(), async (last) =>
        (await query.selectAll().where('sequence', '<=', last.sequence).execute()).map(entryOf),
      )
    },
    async lastSequence({ kind, id }) {
      const [row] = await selectLast(db, { kind, id })
      return Number(row?.last ?? 0)
    },
    async firstId({ kind, id }) {
      const row = await db
        .selectFrom('journal_entries')
        .select('id')
        .where('subject_kind', '=', kind)
        .where('subject_id', '=', id)
        .orderBy('sequence')
        .limit(1)
        .executeTakeFirst()
      return row?.id ?? null
    },
    async forget(kind, before) {
      await db
        .deleteFrom('journal_entries')
        .where('subject_kind', '=', kind)
        .where('created_at', '<', before)
        .where((e) =>
          e.exists(
            e
              .selectFrom('journal_entries as newer')
              .select('newer.id')
              .where('newer.subject_kind', '=', kind)
              .whereRef('newer.subject_id', '=', 'journal_entries.subject_id')
              .whereRef('newer.sequence', '>', 'journal_entries.sequence'),
          ),
        )
        .execute()
    },
    async delete({ kind, id }, within) {
      await within.deleteFrom('journal_entries').where('subject_kind', '=', kind).where('subject_id', '=', id).execute()
    },
  }
}

const entryOf = ({ id, sequence, type, data }: Selectable<JournalEntryRow>): JournalEntry => ({
  id,
  sequence,
  type,
  data,
})

/** Columns of rows that are inserted together. */
interface RowLists extends Readonly<Record<string, readonly (string | number | null)[]>> {
  readonly kinds: readonly string[]
  readonly ids: readonly string[]
  readonly sequences: readonly number[]
  readonly tenants: readonly string[]
  readonly agents: readonly (string | null)[]
  readonly types: readonly string[]
  readonly data: readonly string[]
  readonly instants: readonly number[]
}

const listsOf = (
  rows: readonly (Omit<NewEntries, 'entries'> & { readonly entry: NewEntries['entries'][number] })[],
): RowLists => ({
  kinds: rows.map(({ subject }) => subject.kind),
  ids: rows.map(({ subject }) => subject.id),
  sequences: rows.map(({ entry }) => entry.sequence),
  tenants: rows.map(({ scope }) => scope.tenantId),
  agents: rows.map(({ agentId }) => agentId),
  types: rows.map(({ entry }) => entry.type),
  data: rows.map(({ entry }) => entry.data),
  instants: rows.map(({ at }) => at),
})
