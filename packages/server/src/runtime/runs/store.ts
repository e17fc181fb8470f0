import type { Selectable } from 'kysely'
import type { SystemScope, TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { WorkflowRunLogRow, WorkflowRunRow } from '../../storage/schema.ts'
import type { RunEvent } from '../interpreter/run.ts'
import type { LoggedEvent, RunRecord } from './run-record.ts'

/** A run whose server is gone, by what tells whether that has changed. */
export type LostRun = Pick<RunRecord, 'id' | 'tenantId' | 'owner' | 'generation'>

/** SQL for runs of workflows and their logs. */
export interface RunStore {
  find(scope: TenantScope, id: string, within?: Queryable): Promise<RunRecord | null>
  /** The run, held until the transaction ends: events of one run are taken in one after the other. */
  lock(scope: TenantScope, id: string, within: Queryable): Promise<RunRecord | null>
  insert(run: RunRecord, within: Queryable): Promise<void>
  /** What an event made of it. */
  update(run: RunRecord, within: Queryable): Promise<void>
  append(runId: string, entry: LoggedEvent, within: Queryable): Promise<void>
  listLog(runId: string): Promise<LoggedEvent[]>
  /** Runs under way that belong to this server, or to one that was silent since. */
  listLost(scope: SystemScope, owner: string, silentSince: Micros): Promise<LostRun[]>
  /** Take a run over: false when another was faster. */
  adopt(lost: LostRun, owner: string, at: Micros): Promise<boolean>
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
  return {
    find,
    async lock(scope, id, within) {
      await database.lock(`workflow-run:${id}`, within as never)
      return find(scope, id, within)
    },
    async insert(run, within) {
      await within.insertInto('workflow_runs').values(rowOf(run)).execute()
    },
    async update(run, within) {
      // Who owns it is changed by those alone who take it over.
      const { owner: _owner, heartbeat_at: _heartbeat, generation: _generation, ...fields } = rowOf(run)
      await within.updateTable('workflow_runs').set(fields).where('id', '=', run.id).execute()
    },
    async append(runId, { sequence, event }, within) {
      await within
        .insertInto('workflow_run_log')
        .values({ run_id: runId, sequence, type: event.type, event: JSON.stringify(event), at: event.at * 1000 })
        .execute()
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
        .select(['id', 'tenant_id', 'owner', 'generation'])
        .where('status', '=', 'running')
        .where((where) => where.or([where('owner', '=', owner), where('heartbeat_at', '<', silentSince)]))
        .orderBy('updated_at')
        .execute()
      return rows.map((row) => ({
        id: row.id,
        tenantId: row.tenant_id,
        owner: row.owner,
        generation: row.generation,
      }))
    },
    async adopt({ id, owner: before, generation }, owner, at) {
      const { numUpdatedRows } = await db
        .updateTable('workflow_runs')
        .set({ owner, heartbeat_at: at, generation: generation + 1 })
        .where('id', '=', id)
        .where('owner', '=', before)
        .where('generation', '=', generation)
        .where('status', '=', 'running')
        .executeTakeFirst()
      return Number(numUpdatedRows) === 1
    },
    async touch(owner, at) {
      await db
        .updateTable('workflow_runs')
        .set({ heartbeat_at: at })
        .where('owner', '=', owner)
        .where('status', '=', 'running')
        .execute()
    },
  }
}

const runOf = (row: WorkflowRunRow): RunRecord => ({
  id: row.id,
  tenantId: row.tenant_id,
  workflowId: row.workflow_id,
  workflowName: row.workflow_name,
  definition: JSON.parse(row.definition) as RunRecord['definition'],
  state: JSON.parse(row.state) as RunRecord['state'],
  sequence: row.sequence,
  pending: row.pending === null ? null : (JSON.parse(row.pending) as RunRecord['pending']),
  dueAt: row.due_at,
  owner: row.owner,
  heartbeatAt: row.heartbeat_at,
  generation: row.generation,
  startedBy: row.started_by,
  startedAt: row.started_at,
  updatedAt: row.updated_at,
  endedAt: row.ended_at,
})

const rowOf = (run: RunRecord): WorkflowRunRow => ({
  id: run.id,
  tenant_id: run.tenantId,
  workflow_id: run.workflowId,
  workflow_name: run.workflowName,
  definition: JSON.stringify(run.definition),
  status: run.state.status,
  state: JSON.stringify(run.state),
  sequence: run.sequence,
  pending: run.pending === null ? null : JSON.stringify(run.pending),
  due_at: run.dueAt,
  owner: run.owner,
  heartbeat_at: run.heartbeatAt,
  generation: run.generation,
  started_by: run.startedBy,
  started_at: run.startedAt,
  updated_at: run.updatedAt,
  ended_at: run.endedAt,
})

const entryOf = (row: Selectable<WorkflowRunLogRow>): LoggedEvent => ({
  sequence: row.sequence,
  event: JSON.parse(row.event) as RunEvent,
})
