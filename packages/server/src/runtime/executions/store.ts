import type { Selectable } from 'kysely'
import type { Database, Queryable } from '../../storage/database.ts'
import type { ExecutionEventRow, ExecutionIterationRow, ExecutionRow } from '../../storage/schema.ts'

export type Execution = Selectable<ExecutionRow>
export type Iteration = ExecutionIterationRow
export type StoredEvent = Selectable<ExecutionEventRow>

export const unfinished = ['pending', 'running'] as const

/** SQL for executions, their iterations and their events. */
export interface ExecutionStore {
  insert(row: Omit<ExecutionRow, 'seq'>, within: Queryable): Promise<void>
  find(tenantId: string, id: string): Promise<Execution | null>
  /** Whatever its tenant: for what runs by itself. */
  get(id: string): Promise<Execution | null>
  list(
    tenantId: string,
    filter: { agentId: string | null; status: string | null; limit: number; offset: number },
  ): Promise<Execution[]>
  /** Change an execution that has not ended; false when it has. */
  update(id: string, fields: Partial<Omit<ExecutionRow, 'seq' | 'id'>>, within: Queryable): Promise<boolean>
  delete(id: string, within: Queryable): Promise<void>
  /** Say that these are still supervised. */
  touch(owner: string, at: number): Promise<void>
  /** Unfinished executions of this owner, and of owners that have been silent since `before`. */
  listOrphans(owner: string | null, before: number): Promise<Execution[]>

  insertIteration(row: Iteration, within: Queryable): Promise<void>
  updateIteration(executionId: string, number: number, fields: Partial<Iteration>, within?: Queryable): Promise<void>
  listIterations(executionId: string): Promise<Iteration[]>
  getIteration(executionId: string, number: number): Promise<Iteration | null>
  findIterationByToken(tokenHash: string): Promise<Iteration | null>

  /** The next free place in the order of events, held until the transaction ends. */
  nextSequence(executionId: string, agentId: string, within: Queryable): Promise<number>
  insertEvents(rows: readonly Omit<ExecutionEventRow, 'id'>[], within: Queryable): Promise<void>
  eventsAfter(executionId: string, sequence: number, limit: number): Promise<StoredEvent[]>
  /** Events of all executions of an agent in this tenant. */
  agentEventsAfter(tenantId: string, agentId: string, id: number, limit: number): Promise<StoredEvent[]>
  /** The id after which the events of an agent's newest `executions` lie. */
  agentHistoryStart(tenantId: string, agentId: string, executions: number): Promise<number>
}

export function executionStore(database: Database): ExecutionStore {
  const { db } = database
  return {
    async insert(row, within) {
      await within.insertInto('executions').values(row).execute()
    },
    find: async (tenantId, id) =>
      (await db
        .selectFrom('executions')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()) ?? null,
    get: async (id) => (await db.selectFrom('executions').selectAll().where('id', '=', id).executeTakeFirst()) ?? null,
    async list(tenantId, { agentId, status, limit, offset }) {
      let query = db.selectFrom('executions').selectAll().where('tenant_id', '=', tenantId)
      if (agentId !== null) query = query.where('agent_id', '=', agentId)
      if (status !== null) query = query.where('status', '=', status)
      return query.orderBy('seq', 'desc').limit(limit).offset(offset).execute()
    },
    async update(id, fields, within) {
      const result = await within
        .updateTable('executions')
        .set(fields)
        .where('id', '=', id)
        .where('status', 'in', unfinished)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    async delete(id, within) {
      await within.deleteFrom('execution_events').where('execution_id', '=', id).execute()
      await within.deleteFrom('execution_iterations').where('execution_id', '=', id).execute()
      await within.deleteFrom('executions').where('id', '=', id).execute()
    },
    async touch(owner, at) {
      await db
        .updateTable('executions')
        .set({ heartbeat_at: at })
        .where('owner', '=', owner)
        .where('status', 'in', unfinished)
        .execute()
    },
    listOrphans: (owner, before) =>
      db
        .selectFrom('executions')
        .selectAll()
        .where('status', 'in', unfinished)
        .where((e) =>
          owner === null
            ? e('heartbeat_at', '<', before)
            : e.or([e('owner', '=', owner), e('heartbeat_at', '<', before)]),
        )
        .execute(),

    async insertIteration(row, within) {
      await within.insertInto('execution_iterations').values(row).execute()
    },
    async updateIteration(executionId, number, fields, within = db) {
      await within
        .updateTable('execution_iterations')
        .set(fields)
        .where('execution_id', '=', executionId)
        .where('number', '=', number)
        .execute()
    },
    listIterations: (executionId) =>
      db
        .selectFrom('execution_iterations')
        .selectAll()
        .where('execution_id', '=', executionId)
        .orderBy('number')
        .execute(),
    getIteration: async (executionId, number) =>
      (await db
        .selectFrom('execution_iterations')
        .selectAll()
        .where('execution_id', '=', executionId)
        .where('number', '=', number)
        .executeTakeFirst()) ?? null,
    findIterationByToken: async (tokenHash) =>
      (await db
        .selectFrom('execution_iterations')
        .selectAll()
        .where('token_hash', '=', tokenHash)
        .executeTakeFirst()) ?? null,

    async nextSequence(executionId, agentId, within) {
      // Ids of an agent's events are handed out in the order their transactions commit, so that a reader misses none.
      await database.lock(`execution-events:${agentId}`, within as never)
      const row = await within
        .selectFrom('execution_events')
        .select((e) => e.fn.max('sequence').as('last'))
        .where('execution_id', '=', executionId)
        .executeTakeFirst()
      return Number(row?.last ?? 0) + 1
    },
    async insertEvents(rows, within) {
      if (rows.length > 0)
        await within
          .insertInto('execution_events')
          .values([...rows])
          .execute()
    },
    eventsAfter: (executionId, sequence, limit) =>
      db
        .selectFrom('execution_events')
        .selectAll()
        .where('execution_id', '=', executionId)
        .where('sequence', '>', sequence)
        .orderBy('sequence')
        .limit(limit)
        .execute(),
    agentEventsAfter: (tenantId, agentId, id, limit) =>
      db
        .selectFrom('execution_events')
        .selectAll()
        .where('agent_id', '=', agentId)
        .where('tenant_id', '=', tenantId)
        .where('id', '>', id)
        .orderBy('id')
        .limit(limit)
        .execute(),
    async agentHistoryStart(tenantId, agentId, executions) {
      const newest = await db
        .selectFrom('executions')
        .select('id')
        .where('tenant_id', '=', tenantId)
        .where('agent_id', '=', agentId)
        .orderBy('seq', 'desc')
        .limit(executions)
        .execute()
      const oldest = newest.at(-1)
      if (!oldest) return 0
      const first = await db
        .selectFrom('execution_events')
        .select((e) => e.fn.min('id').as('id'))
        .where('execution_id', '=', oldest.id)
        .executeTakeFirst()
      return Math.max(0, Number(first?.id ?? 1) - 1)
    },
  }
}
