import type { Selectable } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
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

export interface NewEntry {
  readonly type: string
  readonly data: string
}

/** SQL for the journal. */
export interface JournalStore {
  /** The next free place in the order of a subject's entries, held until the transaction ends. */
  nextSequence(subject: Subject, agentId: string | null, within: Queryable): Promise<number>
  /** Entries from `first` on, in this order. */
  append(
    subject: Subject,
    entries: readonly NewEntry[],
    place: { scope: TenantScope; agentId: string | null; first: number; at: number },
    within: Queryable,
  ): Promise<void>
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
  const insertEach = prepared(
    (
      on,
      entries: {
        readonly kind: string
        id: string
        readonly tenantId: string
        agentId: string | null
        at: number
        sequences: readonly number[]
        types: readonly string[]
        data: readonly string[]
      },
    ) =>
      on.insertInto('journal_entries').values(
        entries.sequences.map((sequence, index) => ({
          subject_kind: entries.kind,
          subject_id: entries.id,
          sequence,
          tenant_id: entries.tenantId,
          agent_id: entries.agentId,
          type: entries.types[index] as string,
          data: entries.data[index] as string,
          created_at: entries.at,
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
    async append({ kind, id }, entries, { scope, agentId, first, at }, within) {
      await insertEach(within, {
        kind,
        id,
        tenantId: scope.tenantId,
        agentId,
        at,
        sequences: entries.map((_, index) => first + index),
        types: entries.map(({ type }) => type),
        data: entries.map(({ data }) => data),
      })
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
