import type { Selectable } from 'kysely'
import type { SystemScope, TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { inBatches } from '../../storage/in-batches.ts'
import type { Micros } from '../../storage/instants.ts'
import type { SwarmLockRow, SwarmMessageRow, SwarmRow } from '../../storage/schema.ts'
import { type ExecutionStatus, unfinished } from '../record/execution.ts'
import type { DissolvedBecause, Lock, Member, Message, MessageRecord, Swarm, SwarmStatus, SwarmView } from './swarm.ts'

/** What is told to one member. */
export interface NewMessage {
  readonly swarmId: string
  /** The call that sends it: made again after a crash, it sends nothing twice. */
  readonly callId: string
  readonly from: Pick<Member, 'executionId' | 'agentId'>
  readonly to: Pick<Member, 'executionId' | 'agentId'>
  readonly payload: string
  readonly payloadBytes: number
  readonly sentAt: Micros
}

/** SQL for swarms, what their members tell each other, and what they lock. */
export interface SwarmStore {
  /** False when it is there. */
  insert(swarm: Swarm, within: Queryable): Promise<boolean>
  find(scope: TenantScope, id: string): Promise<Swarm | null>
  /** Newest first. */
  list(
    scope: TenantScope,
    filter: { readonly statuses: readonly SwarmStatus[]; readonly limit: number; readonly offset: number },
  ): Promise<SwarmView[]>
  /** Its parent first, then as they were begun. */
  members(swarmId: string): Promise<Member[]>
  /** Swarms that are not dissolved and have this execution as their parent or as one of theirs; its own last. */
  ofExecution(executionId: string): Promise<Swarm[]>
  /** Hold an active swarm until the transaction ends; false when it is not active. */
  holdActive(id: string, within: Queryable): Promise<boolean>
  /** False when it was not active. */
  beginDissolving(id: string, within: Queryable): Promise<boolean>
  /** Dissolve a swarm of which nothing goes on, and drop what was not read; false when something does, or it was dissolved. */
  dissolve(id: string, because: DissolvedBecause, at: Micros, within: Queryable): Promise<boolean>
  /**
   * Swarms that are not dissolved though their parent has ended, oldest first; without those whose parent completed and whose
   * children go on, however many there are: these are as they should be.
   */
  listLeft(scope: SystemScope, limit: number): Promise<Swarm[]>
  countActive(scope: SystemScope): Promise<number>
  /** Delete swarms that were dissolved before, with their messages. */
  forget(before: Micros): Promise<void>

  /** The lock of this name that is held at this moment. */
  findLock(swarmId: string, resource: string, at: Micros, within?: Queryable): Promise<Lock | null>
  findLockByToken(token: string): Promise<Lock | null>
  locks(swarmId: string, at: Micros): Promise<Lock[]>
  countLocks(swarmId: string, at: Micros, within: Queryable): Promise<number>
  /** Take a lock that nobody holds at this moment; of all who try, exactly one gets true. */
  takeLock(lock: Lock, within: Queryable): Promise<boolean>
  /** False when it is no longer held by this token. */
  extendLock(lock: Pick<Lock, 'swarmId' | 'resource' | 'token'>, expiresAt: Micros, within: Queryable): Promise<boolean>
  /** False when it is no longer held by this token. */
  dropLock(lock: Pick<Lock, 'swarmId' | 'resource' | 'token'>, within: Queryable): Promise<boolean>
  locksOfHolder(executionId: string): Promise<Lock[]>
  /** Locks that have run out, or whose holder has ended, with the tenant they are of. */
  listStaleLocks(scope: SystemScope, at: Micros, limit: number): Promise<(Lock & Pick<Swarm, 'tenantId'>)[]>

  /** How many of these were new. */
  addMessages(messages: readonly NewMessage[], within: Queryable): Promise<number>
  countMessages(swarmId: string, within?: Queryable): Promise<number>
  countUnread(executionId: string, within: Queryable): Promise<number>
  /**
   * What an execution was told and no other call has read, oldest first; whatever earlier calls read is dropped. The same call,
   * made again, reads the same.
   */
  readMessages(executionId: string, callId: string, limit: number, within: Queryable): Promise<Message[]>
  messages(swarmId: string, limit: number): Promise<MessageRecord[]>
}

const memberColumns = ['id', 'agent_id', 'agent_name', 'status', 'started_at', 'ended_at', 'swarm_id'] as const

export function createSwarmStore({ db }: Database): SwarmStore {
  /** Members of each of these, by swarm. */
  async function membersOf(swarms: readonly Pick<Swarm, 'id' | 'parentId'>[]): Promise<Map<string, Member[]>> {
    const [parents, children] = await Promise.all([
      inBatches(
        swarms.map(({ parentId }) => parentId),
        (batch) =>
          db
            .selectFrom('executions')
            .select(memberColumns)
            .where('id', 'in', [...batch])
            .execute(),
      ),
      inBatches(
        swarms.map(({ id }) => id),
        (batch) =>
          db
            .selectFrom('executions')
            .select(memberColumns)
            .where('swarm_id', 'in', [...batch])
            .orderBy('seq')
            .execute(),
      ),
    ])
    const byId = new Map(parents.map((row) => [row.id, row]))
    return new Map(
      swarms.map(({ id, parentId }) => {
        const parent = byId.get(parentId)
        const own = children.filter(({ swarm_id }) => swarm_id === id)
        return [id, [...(parent ? [parent] : []), ...own].map((row) => memberOf(id, row))]
      }),
    )
  }

  async function countIn(
    table: 'swarm_locks' | 'swarm_messages',
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    const rows = await inBatches(ids, (batch) =>
      db
        .selectFrom(table)
        .select((e) => ['swarm_id', e.fn.countAll().as('count')])
        .where('swarm_id', 'in', [...batch])
        .groupBy('swarm_id')
        .execute(),
    )
    return new Map(rows.map(({ swarm_id, count }) => [swarm_id, Number(count)]))
  }

  return {
    async insert(swarm, within) {
      const result = await within
        .insertInto('swarms')
        .values({
          id: swarm.id,
          tenant_id: swarm.tenantId,
          parent_execution_id: swarm.parentId,
          status: swarm.status,
          reason: swarm.reason,
          created_at: swarm.createdAt,
          dissolved_at: swarm.dissolvedAt,
        })
        .onConflict((on) => on.column('id').doNothing())
        .executeTakeFirst()
      return Number(result.numInsertedOrUpdatedRows ?? 0) === 1
    },
    async find({ tenantId }, id) {
      const row = await db
        .selectFrom('swarms')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      return row ? swarmOf(row) : null
    },
    async list({ tenantId }, { statuses, limit, offset }) {
      const rows = await db
        .selectFrom('swarms')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('status', 'in', [...statuses])
        .orderBy('created_at', 'desc')
        .orderBy('id')
        .limit(limit)
        .offset(offset)
        .execute()
      const swarms = rows.map(swarmOf)
      const ids = swarms.map(({ id }) => id)
      const [members, locks, messages] = await Promise.all([
        membersOf(swarms),
        countIn('swarm_locks', ids),
        countIn('swarm_messages', ids),
      ])
      return swarms.map((swarm) => ({
        swarm,
        members: members.get(swarm.id) ?? [],
        lockCount: locks.get(swarm.id) ?? 0,
        messageCount: messages.get(swarm.id) ?? 0,
      }))
    },
    async members(swarmId) {
      const row = await db.selectFrom('swarms').selectAll().where('id', '=', swarmId).executeTakeFirst()
      return row ? ((await membersOf([swarmOf(row)])).get(swarmId) ?? []) : []
    },
    async ofExecution(executionId) {
      const rows = await db
        .selectFrom('swarms')
        .selectAll()
        .where('status', '<>', 'dissolved')
        .where((e) =>
          e.or([
            e('parent_execution_id', '=', executionId),
            e('id', '=', e.selectFrom('executions').select('swarm_id').where('executions.id', '=', executionId)),
          ]),
        )
        .execute()
      return rows.map(swarmOf).sort((a, b) => Number(a.parentId === executionId) - Number(b.parentId === executionId))
    },
    async holdActive(id, within) {
      const result = await within
        .updateTable('swarms')
        .set({ status: 'active' })
        .where('id', '=', id)
        .where('status', '=', 'active')
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    async beginDissolving(id, within) {
      const result = await within
        .updateTable('swarms')
        .set({ status: 'dissolving' })
        .where('id', '=', id)
        .where('status', '=', 'active')
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    async dissolve(id, because, at, within) {
      const result = await within
        .updateTable('swarms')
        .set({ status: 'dissolved', reason: because, dissolved_at: at })
        .where('id', '=', id)
        .where('status', '<>', 'dissolved')
        .where((e) =>
          e.not(
            e.exists(
              e
                .selectFrom('executions')
                .select('executions.id')
                .where('executions.status', 'in', [...unfinished])
                .where((of) =>
                  of.or([
                    of('executions.swarm_id', '=', id),
                    of('executions.id', '=', of.ref('swarms.parent_execution_id')),
                  ]),
                ),
            ),
          ),
        )
        .executeTakeFirst()
      if (Number(result.numUpdatedRows) !== 1) return false
      await within
        .updateTable('swarm_messages')
        .set({ payload: null })
        .where('swarm_id', '=', id)
        .where('payload', 'is not', null)
        .execute()
      return true
    },
    async listLeft(_system, limit) {
      const rows = await db
        .selectFrom('swarms')
        .selectAll()
        .where('status', '<>', 'dissolved')
        .where((e) =>
          e.not(
            e.exists(
              e
                .selectFrom('executions')
                .select('executions.id')
                .whereRef('executions.id', '=', 'swarms.parent_execution_id')
                .where('executions.status', 'in', [...unfinished]),
            ),
          ),
        )
        .where((e) =>
          e.or([
            e.exists(
              e
                .selectFrom('executions')
                .select('executions.id')
                .whereRef('executions.id', '=', 'swarms.parent_execution_id')
                .where('executions.status', '<>', 'completed'),
            ),
            e.not(
              e.exists(
                e
                  .selectFrom('executions')
                  .select('executions.id')
                  .whereRef('executions.swarm_id', '=', 'swarms.id')
                  .where('executions.status', 'in', [...unfinished]),
              ),
            ),
          ]),
        )
        .orderBy('created_at')
        .limit(limit)
        .execute()
      return rows.map(swarmOf)
    },
    async countActive() {
      const row = await db
        .selectFrom('swarms')
        .select((e) => e.fn.countAll().as('count'))
        .where('status', '<>', 'dissolved')
        .executeTakeFirst()
      return Number(row?.count ?? 0)
    },
    async forget(before) {
      const old = db
        .selectFrom('swarms')
        .select('id')
        .where('status', '=', 'dissolved')
        .where('dissolved_at', '<', before)
      await db.deleteFrom('swarm_messages').where('swarm_id', 'in', old).execute()
      await db.deleteFrom('swarms').where('status', '=', 'dissolved').where('dissolved_at', '<', before).execute()
    },

    async findLock(swarmId, resource, at, within = db) {
      const row = await within
        .selectFrom('swarm_locks')
        .selectAll()
        .where('swarm_id', '=', swarmId)
        .where('resource', '=', resource)
        .where('expires_at', '>', at)
        .executeTakeFirst()
      return row ? lockOf(row) : null
    },
    async findLockByToken(token) {
      const row = await db.selectFrom('swarm_locks').selectAll().where('token', '=', token).executeTakeFirst()
      return row ? lockOf(row) : null
    },
    async locks(swarmId, at) {
      const rows = await db
        .selectFrom('swarm_locks')
        .selectAll()
        .where('swarm_id', '=', swarmId)
        .where('expires_at', '>', at)
        .orderBy('resource')
        .execute()
      return rows.map(lockOf)
    },
    async countLocks(swarmId, at, within) {
      const row = await within
        .selectFrom('swarm_locks')
        .select((e) => e.fn.countAll().as('count'))
        .where('swarm_id', '=', swarmId)
        .where('expires_at', '>', at)
        .executeTakeFirst()
      return Number(row?.count ?? 0)
    },
    async takeLock(lock, within) {
      const columns = {
        holder_execution_id: lock.holderId,
        holder_agent_id: lock.holderAgentId,
        token: lock.token,
        acquired_at: lock.acquiredAt,
        expires_at: lock.expiresAt,
      }
      const result = await within
        .insertInto('swarm_locks')
        .values({ swarm_id: lock.swarmId, resource: lock.resource, ...columns })
        .onConflict((on) =>
          on
            .columns(['swarm_id', 'resource'])
            .doUpdateSet(columns)
            .where('swarm_locks.expires_at', '<=', lock.acquiredAt),
        )
        .executeTakeFirst()
      return Number(result.numInsertedOrUpdatedRows ?? 0) === 1
    },
    async extendLock({ swarmId, resource, token }, expiresAt, within) {
      const result = await within
        .updateTable('swarm_locks')
        .set({ expires_at: expiresAt })
        .where('swarm_id', '=', swarmId)
        .where('resource', '=', resource)
        .where('token', '=', token)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    async dropLock({ swarmId, resource, token }, within) {
      const result = await within
        .deleteFrom('swarm_locks')
        .where('swarm_id', '=', swarmId)
        .where('resource', '=', resource)
        .where('token', '=', token)
        .executeTakeFirst()
      return Number(result.numDeletedRows) === 1
    },
    async locksOfHolder(executionId) {
      const rows = await db
        .selectFrom('swarm_locks')
        .selectAll()
        .where('holder_execution_id', '=', executionId)
        .orderBy('resource')
        .execute()
      return rows.map(lockOf)
    },
    async listStaleLocks(_system, at, limit) {
      const rows = await db
        .selectFrom('swarm_locks')
        .innerJoin('swarms', 'swarms.id', 'swarm_locks.swarm_id')
        .selectAll('swarm_locks')
        .select('swarms.tenant_id')
        .where((e) =>
          e.or([
            e('swarm_locks.expires_at', '<=', at),
            e.not(
              e.exists(
                e
                  .selectFrom('executions')
                  .select('executions.id')
                  .whereRef('executions.id', '=', 'swarm_locks.holder_execution_id')
                  .where('executions.status', 'in', [...unfinished]),
              ),
            ),
          ]),
        )
        .limit(limit)
        .execute()
      return rows.map((row) => ({ ...lockOf(row), tenantId: row.tenant_id }))
    },

    async addMessages(messages, within) {
      let added = 0
      for (const one of messages) {
        const result = await within
          .insertInto('swarm_messages')
          .values({
            swarm_id: one.swarmId,
            call_id: one.callId,
            from_execution_id: one.from.executionId,
            from_agent_id: one.from.agentId,
            to_execution_id: one.to.executionId,
            to_agent_id: one.to.agentId,
            payload: one.payload,
            payload_bytes: one.payloadBytes,
            sent_at: one.sentAt,
            read_by: null,
          })
          .onConflict((on) => on.columns(['call_id', 'to_execution_id']).doNothing())
          .executeTakeFirst()
        added += Number(result.numInsertedOrUpdatedRows ?? 0)
      }
      return added
    },
    async countMessages(swarmId, within = db) {
      const row = await within
        .selectFrom('swarm_messages')
        .select((e) => e.fn.countAll().as('count'))
        .where('swarm_id', '=', swarmId)
        .executeTakeFirst()
      return Number(row?.count ?? 0)
    },
    async countUnread(executionId, within) {
      const row = await within
        .selectFrom('swarm_messages')
        .select((e) => e.fn.countAll().as('count'))
        .where('to_execution_id', '=', executionId)
        .where('payload', 'is not', null)
        .executeTakeFirst()
      return Number(row?.count ?? 0)
    },
    async readMessages(executionId, callId, limit, within) {
      const kept = (of: Queryable) =>
        of.selectFrom('swarm_messages').where('to_execution_id', '=', executionId).where('payload', 'is not', null)
      const isAgain = await kept(within).select('seq').where('read_by', '=', callId).executeTakeFirst()
      if (!isAgain) {
        await within
          .updateTable('swarm_messages')
          .set({ payload: null })
          .where('to_execution_id', '=', executionId)
          .where('payload', 'is not', null)
          .where('read_by', 'is not', null)
          .execute()
        const next = await kept(within).select('seq').where('read_by', 'is', null).orderBy('seq').limit(limit).execute()
        if (next.length === 0) return []
        await within
          .updateTable('swarm_messages')
          .set({ read_by: callId })
          .where(
            'seq',
            'in',
            next.map(({ seq }) => seq),
          )
          .execute()
      }
      const rows = await kept(within).selectAll().where('read_by', '=', callId).orderBy('seq').execute()
      return rows.map(messageOf)
    },
    async messages(swarmId, limit) {
      const rows = await db
        .selectFrom('swarm_messages')
        .select(['from_agent_id', 'to_agent_id', 'payload_bytes', 'sent_at'])
        .where('swarm_id', '=', swarmId)
        .orderBy('seq', 'desc')
        .limit(limit)
        .execute()
      return rows.map((row) => ({
        from: row.from_agent_id,
        to: row.to_agent_id,
        payloadBytes: row.payload_bytes,
        sentAt: row.sent_at,
      }))
    },
  }
}

const swarmOf = (row: Selectable<SwarmRow>): Swarm => ({
  id: row.id,
  tenantId: row.tenant_id,
  parentId: row.parent_execution_id,
  status: row.status,
  reason: row.reason as DissolvedBecause | null,
  createdAt: row.created_at,
  dissolvedAt: row.dissolved_at,
})

const memberOf = (
  swarmId: string,
  row: {
    id: string
    agent_id: string
    agent_name: string
    status: string
    started_at: number
    ended_at: number | null
  },
): Member => ({
  swarmId,
  executionId: row.id,
  agentId: row.agent_id,
  agentName: row.agent_name,
  status: row.status as ExecutionStatus,
  startedAt: row.started_at,
  endedAt: row.ended_at,
})

const lockOf = (row: Selectable<SwarmLockRow>): Lock => ({
  swarmId: row.swarm_id,
  resource: row.resource,
  holderId: row.holder_execution_id,
  holderAgentId: row.holder_agent_id,
  token: row.token,
  acquiredAt: row.acquired_at,
  expiresAt: row.expires_at,
})

const messageOf = (row: Selectable<SwarmMessageRow>): Message => ({
  swarmId: row.swarm_id,
  fromExecutionId: row.from_execution_id,
  fromAgentId: row.from_agent_id,
  payload: row.payload ?? '',
  payloadBytes: row.payload_bytes,
  sentAt: row.sent_at,
})
