import type { Selectable } from 'kysely'
import type { SystemScope, TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { inBatches } from '../../storage/in-batches.ts'
import { inRows } from '../../storage/in-rows.ts'
import type { Micros } from '../../storage/instants.ts'
import { prepared } from '../../storage/prepared.ts'
import type { WorkflowRunLogRow, WorkflowRunRow } from '../../storage/schema.ts'
import type { RunEvent } from '../interpreter/run.ts'
import type { LoggedEvent, RunChild, RunFilter, RunRecord, RunSummary } from './run-record.ts'

/** A run whose server is gone. */
export type LostRun = Pick<RunRecord, 'id' | 'owner'>

/** SQL for runs of workflows and their logs. */
export interface RunStore {
  find(scope: TenantScope, id: string, within?: Queryable): Promise<RunRecord | null>
  /** The run, held until the transaction ends: events of one run are taken in one after the other. */
  lock(scope: TenantScope, id: string, within: Queryable): Promise<RunRecord | null>
  /** As `lock`, without reading them. */
  lockAll(ids: readonly string[], within: Queryable): Promise<void>
  /** Newest first. */
  list(scope: TenantScope, filter: RunFilter): Promise<RunSummary[]>
  /** How many runs of each of these workflows the tenant has. */
  count(scope: TenantScope, workflowIds: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Runs of the tenant that are under way. */
  countRunning(scope: TenantScope): Promise<number>
  /** Whether a state is still the one that is under way; held until the transaction ends. */
  isCurrent(scope: TenantScope, id: string, entry: number, within: Queryable): Promise<boolean>
  insert(run: RunRecord, within: Queryable): Promise<void>
  /** What an event made of each: of those that are still their owner's and have the event before as their newest. Their ids. */
  advance(runs: readonly RunRecord[], within: Queryable): Promise<ReadonlySet<string>>
  append(entries: readonly (LoggedEvent & { readonly runId: string })[], within: Queryable): Promise<void>
  /** A state began something; once for each id. */
  addChild(runId: string, child: RunChild, within: Queryable): Promise<void>
  /** What states of a run began before this entry, and was not let go of. */
  listChildren(runId: string, before: number): Promise<RunChild[]>
  /** The run that began an execution; null of one that no run began. */
  findRunOf(scope: TenantScope, executionId: string): Promise<RunRecord | null>
  /** What was begun before this entry has ended. */
  forgetChildren(runId: string, before: number): Promise<void>
  listLog(runId: string): Promise<LoggedEvent[]>
  /** Runs that hold something still and belong to this server (null: none of its own), or to one that was silent since. */
  listLost(scope: SystemScope, owner: string | null, silentSince: Micros): Promise<LostRun[]>
  /** Of these, the runs that hold something still. */
  listUnreleased(ids: readonly string[]): Promise<ReadonlySet<string>>
  /** Take runs over; those that no other server was faster with. `silentSince` as they were listed. */
  adopt(lost: readonly LostRun[], owner: string, at: Micros, silentSince: Micros): Promise<RunRecord[]>
  /** Runs that have ended hold nothing any more. */
  markReleased(ids: readonly string[]): Promise<void>
  /** With its log. */
  delete(id: string, within: Queryable): Promise<void>
  /** Say that the runs of a server are alive. */
  touch(owner: string, at: Micros): Promise<void>
}

export function createRunStore(database: Database): RunStore {
  const { db } = database
  async function find({ tenantId }: TenantScope, id: string, within: Queryable = db): Promise<RunRecord | null> {
    const row = await within
      .selectFrom('workflow_runs')
      .selectAll()
      .where('id', '=', id)
      .where('tenant_id', '=', tenantId)
      .executeTakeFirst()
    return row ? runOf(row) : null
  }
  const insertLogged = prepared((on, rows: LogLists) =>
    on.insertInto('workflow_run_log').values(
      rows.ids.map((run_id, index) => ({
        run_id,
        sequence: rows.sequences[index] as number,
        type: rows.types[index] as string,
        event: rows.events[index] as string,
        at: rows.instants[index] as number,
      })),
    ),
  )
  return {
    find,
    async lock(scope, id, within) {
      await database.lock(`workflow-run:${id}`, within as never)
      return find(scope, id, within)
    },
    lockAll: (ids, within) =>
      database.lockAll(
        ids.map((id) => `workflow-run:${id}`),
        within as never,
      ),
    async list({ tenantId }, { workflowId, workflowName, status, limit, offset }) {
      let query = db.selectFrom('workflow_runs').select(summaryColumns).where('tenant_id', '=', tenantId)
      if (workflowId !== null) query = query.where('workflow_id', '=', workflowId)
      if (workflowName !== null) query = query.where('workflow_name', '=', workflowName)
      if (status !== null) query = query.where('status', '=', status)
      const rows = await query.orderBy('started_at', 'desc').orderBy('id').limit(limit).offset(offset).execute()
      return rows.map(summaryOf)
    },
    async count({ tenantId }, workflowIds) {
      if (workflowIds.length === 0) return new Map()
      const rows = await db
        .selectFrom('workflow_runs')
        .select((e) => ['workflow_id', e.fn.countAll().as('runs')])
        .where('tenant_id', '=', tenantId)
        .where('workflow_id', 'in', workflowIds)
        .groupBy('workflow_id')
        .execute()
      return new Map(rows.map((row) => [row.workflow_id, Number(row.runs)]))
    },
    async countRunning({ tenantId }) {
      const row = await db
        .selectFrom('workflow_runs')
        .select((e) => e.fn.countAll().as('runs'))
        .where('tenant_id', '=', tenantId)
        .where('status', '=', 'running')
        .executeTakeFirst()
      return Number(row?.runs ?? 0)
    },
    async isCurrent(scope, id, entry, within) {
      await database.lock(`workflow-run:${id}`, within as never)
      const run = await find(scope, id, within)
      return run !== null && run.state.status === 'running' && run.state.entry === entry
    },
    async insert(run, within) {
      await within.insertInto('workflow_runs').values(rowOf(run)).execute()
    },
    async advance(runs, within) {
      return database.advanceRuns(
        runs.map((run) => ({
          id: run.id,
          current: run.state.current,
          reason: run.state.reason,
          state: JSON.stringify(run.state),
          sequence: run.sequence,
          pending: run.pending === null ? null : JSON.stringify(run.pending),
          enteredAt: run.enteredAt,
          dueAt: run.dueAt,
          updatedAt: run.updatedAt,
          endedAt: run.endedAt,
          status: run.state.status,
          owner: run.owner,
          generation: run.generation,
        })),
        within,
      )
    },
    async append(entries, within) {
      await inRows(entries, (some) =>
        insertLogged(within, {
          ids: some.map(({ runId }) => runId),
          sequences: some.map(({ sequence }) => sequence),
          types: some.map(({ event }) => event.type),
          events: some.map(({ event }) => JSON.stringify(event)),
          instants: some.map(({ event }) => event.at * 1000),
        }),
      )
    },
    async addChild(runId, { kind, id, entry }, within) {
      await within
        .insertInto('workflow_run_children')
        .values({ run_id: runId, kind, id, entry })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },
    async listChildren(runId, before) {
      return db
        .selectFrom('workflow_run_children')
        .select(['kind', 'id', 'entry'])
        .where('run_id', '=', runId)
        .where('entry', '<', before)
        .orderBy('entry')
        .execute()
    },
    async findRunOf(scope, executionId) {
      const row = await db
        .selectFrom('workflow_run_children')
        .select('run_id')
        .where('id', '=', executionId)
        .executeTakeFirst()
      return row ? find(scope, row.run_id) : null
    },
    async forgetChildren(runId, before) {
      await db.deleteFrom('workflow_run_children').where('run_id', '=', runId).where('entry', '<', before).execute()
    },
    async listLog(runId) {
      const rows = await db
        .selectFrom('workflow_run_log')
        .selectAll()
        .where('run_id', '=', runId)
        .orderBy('sequence')
        .execute()
      return rows.map(entryOf)
    },
    async listLost(_scope, owner, silentSince) {
      const rows = await db
        .selectFrom('workflow_runs')
        .select(['id', 'owner'])
        .where('is_released', '=', 0)
        .where((where) => where.or([where('owner', '=', owner ?? ''), where('heartbeat_at', '<', silentSince)]))
        .orderBy('updated_at')
        .execute()
      return rows
    },
    async listUnreleased(ids) {
      const rows = await inBatches(ids, (batch) =>
        db.selectFrom('workflow_runs').select('id').where('id', 'in', batch).where('is_released', '=', 0).execute(),
      )
      return new Set(rows.map(({ id }) => id))
    },
    async adopt(lost, owner, at, silentSince) {
      const rows = await inBatches(
        lost.map(({ id }) => id),
        (batch) =>
          db
            .updateTable('workflow_runs')
            .set((e) => ({ owner, heartbeat_at: at, generation: e('generation', '+', 1) }))
            .where('id', 'in', batch)
            .where('is_released', '=', 0)
            // One that another server has taken over meanwhile was heard of since.
            .where((where) => where.or([where('owner', '=', owner), where('heartbeat_at', '<', silentSince)]))
            .returningAll()
            .execute(),
      )
      return rows.map(runOf)
    },
    async markReleased(ids) {
      await inBatches(ids, async (batch) => {
        await db.updateTable('workflow_runs').set({ is_released: 1 }).where('id', 'in', batch).execute()
        return []
      })
    },
    async delete(id, within) {
      await within.deleteFrom('workflow_run_children').where('run_id', '=', id).execute()
      await within.deleteFrom('workflow_run_log').where('run_id', '=', id).execute()
      await within.deleteFrom('workflow_runs').where('id', '=', id).execute()
    },
    async touch(owner, at) {
      await db
        .updateTable('workflow_runs')
        .set({ heartbeat_at: at })
        .where('owner', '=', owner)
        .where('is_released', '=', 0)
        .execute()
    },
  }
}

/** Definitions as they were read last: many runs have the same, and each of their events reads it. */
const definitions = new Map<string, RunRecord['definition']>()
const MOST_DEFINITIONS = 100

function definitionOf(text: string): RunRecord['definition'] {
  const known = definitions.get(text)
  if (known) return known
  const read = JSON.parse(text) as RunRecord['definition']
  if (definitions.size >= MOST_DEFINITIONS) definitions.delete(definitions.keys().next().value ?? '')
  definitions.set(text, read)
  return read
}

const runOf = (row: WorkflowRunRow): RunRecord => ({
  id: row.id,
  tenantId: row.tenant_id,
  workflowId: row.workflow_id,
  workflowName: row.workflow_name,
  definition: definitionOf(row.definition),
  state: JSON.parse(row.state) as RunRecord['state'],
  sequence: row.sequence,
  pending: row.pending === null ? null : (JSON.parse(row.pending) as RunRecord['pending']),
  enteredAt: row.entered_at,
  dueAt: row.due_at,
  owner: row.owner,
  heartbeatAt: row.heartbeat_at,
  generation: row.generation,
  startedBy: row.started_by,
  startedAt: row.started_at,
  updatedAt: row.updated_at,
  endedAt: row.ended_at,
  parent: row.parent_id === null ? null : { id: row.parent_id, entry: row.parent_entry ?? 0 },
  depth: row.parent_depth ?? 0,
  bound: row.security_context === null ? null : (JSON.parse(row.security_context) as RunRecord['bound']),
  input: JSON.parse(row.input) as unknown,
})

const rowOf = (run: RunRecord): WorkflowRunRow => ({
  id: run.id,
  tenant_id: run.tenantId,
  workflow_id: run.workflowId,
  workflow_name: run.workflowName,
  definition: JSON.stringify(run.definition),
  status: run.state.status,
  current_state: run.state.current,
  reason: run.state.reason,
  input: JSON.stringify(run.input ?? null),
  state: JSON.stringify(run.state),
  sequence: run.sequence,
  pending: run.pending === null ? null : JSON.stringify(run.pending),
  entered_at: run.enteredAt,
  due_at: run.dueAt,
  is_released: 0,
  owner: run.owner,
  heartbeat_at: run.heartbeatAt,
  generation: run.generation,
  started_by: run.startedBy,
  started_at: run.startedAt,
  updated_at: run.updatedAt,
  ended_at: run.endedAt,
  parent_id: run.parent?.id ?? null,
  parent_entry: run.parent?.entry ?? null,
  parent_depth: run.depth,
  security_context: run.bound === null ? null : JSON.stringify(run.bound),
})

/** Columns of entries of logs that are inserted together. */
interface LogLists extends Readonly<Record<string, readonly (string | number)[]>> {
  readonly ids: readonly string[]
  readonly sequences: readonly number[]
  readonly types: readonly string[]
  readonly events: readonly string[]
  readonly instants: readonly number[]
}

const summaryColumns = [
  ...(['id', 'tenant_id', 'workflow_id', 'workflow_name', 'status', 'current_state', 'reason'] as const),
  ...(['started_at', 'ended_at', 'entered_at', 'updated_at'] as const),
] as const

const summaryOf = (row: Pick<WorkflowRunRow, (typeof summaryColumns)[number]>): RunSummary => ({
  id: row.id,
  tenantId: row.tenant_id,
  workflowId: row.workflow_id,
  workflowName: row.workflow_name,
  status: row.status as RunSummary['status'],
  current: row.current_state,
  reason: row.reason,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  enteredAt: row.entered_at,
  updatedAt: row.updated_at,
})

const entryOf = (row: Selectable<WorkflowRunLogRow>): LoggedEvent => ({
  sequence: row.sequence,
  event: JSON.parse(row.event) as RunEvent,
})
