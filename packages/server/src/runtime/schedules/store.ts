import type { SystemScope, TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { ScheduleRow } from '../../storage/schema.ts'
import type { Missed, Outcome, Schedule } from './schedule.ts'
import type { Timing } from './timing.ts'

/** SQL for what is started by the clock. */
export interface ScheduleStore {
  find(scope: TenantScope, name: string, within?: Queryable): Promise<Schedule | null>
  /** By name. */
  list(scope: TenantScope): Promise<Schedule[]>
  /** In the place of the one of its name, of which the id and what has come of it stay. */
  put(schedule: Schedule, within: Queryable): Promise<void>
  /** False when there is none. */
  delete(scope: TenantScope, name: string): Promise<boolean>
  /** What the manifest of an agent says, wherever the agent was. */
  deleteOfAgent(agentId: string, within: Queryable): Promise<void>
  findOfAgent(agentId: string, within: Queryable): Promise<Schedule | null>
  /** When something is due first; null when nothing is. */
  firstDue(scope: SystemScope): Promise<Micros | null>
  /** What is due, the longest waiting first. */
  listDue(scope: SystemScope, now: Micros, limit: number): Promise<Schedule[]>
  /** Take a time that is due: false when somebody else took it, or it is not due any more. */
  settle(id: string, outcome: Outcome, within?: Queryable): Promise<boolean>
}

export function createScheduleStore({ db }: Database): ScheduleStore {
  return {
    async find({ tenantId }, name, within = db) {
      const row = await within
        .selectFrom('schedules')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .executeTakeFirst()
      return row ? scheduleOf(row) : null
    },
    async list({ tenantId }) {
      const rows = await db
        .selectFrom('schedules')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .orderBy('name')
        .execute()
      return rows.map(scheduleOf)
    },
    async put(schedule, within) {
      const row = rowOf(schedule)
      const { id: _id, started: _n, last_due_at: _d, last_run_id: _r, created_by: _b, created_at: _c, ...fields } = row
      await within
        .insertInto('schedules')
        .values(row)
        .onConflict((conflict) => conflict.columns(['tenant_id', 'name']).doUpdateSet(fields))
        .execute()
    },
    async delete({ tenantId }, name) {
      const { numDeletedRows } = await db
        .deleteFrom('schedules')
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .executeTakeFirst()
      return Number(numDeletedRows) === 1
    },
    async deleteOfAgent(agentId, within) {
      await within.deleteFrom('schedules').where('agent_id', '=', agentId).execute()
    },
    async findOfAgent(agentId, within) {
      const row = await within.selectFrom('schedules').selectAll().where('agent_id', '=', agentId).executeTakeFirst()
      return row ? scheduleOf(row) : null
    },
    async firstDue() {
      const row = await db
        .selectFrom('schedules')
        .select('next_at')
        .where('next_at', 'is not', null)
        .orderBy('next_at')
        .limit(1)
        .executeTakeFirst()
      return row?.next_at ?? null
    },
    async listDue(_scope, now, limit) {
      const rows = await db
        .selectFrom('schedules')
        .selectAll()
        .where('next_at', '<=', now)
        .orderBy('next_at')
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map(scheduleOf)
    },
    async settle(id, { dueAt, nextAt, runId, error }, within = db) {
      const { numUpdatedRows } = await within
        .updateTable('schedules')
        .set((e) => ({
          next_at: nextAt,
          last_due_at: dueAt,
          last_error: error,
          ...(runId === null ? {} : { last_run_id: runId, started: e('started', '+', 1) }),
        }))
        .where('id', '=', id)
        .where('next_at', '=', dueAt)
        .executeTakeFirst()
      return Number(numUpdatedRows) === 1
    },
  }
}

const scheduleOf = (row: ScheduleRow): Schedule => ({
  id: row.id,
  tenantId: row.tenant_id,
  name: row.name,
  kind: row.kind as Schedule['kind'],
  target: row.target,
  timing: JSON.parse(row.timing) as Timing,
  missed: row.missed as Missed,
  input: JSON.parse(row.input) as unknown,
  intent: row.intent,
  isEnabled: row.enabled === 1,
  agentId: row.agent_id,
  nextAt: row.next_at,
  lastDueAt: row.last_due_at,
  lastRunId: row.last_run_id,
  lastError: row.last_error,
  started: Number(row.started),
  createdBy: row.created_by,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

const rowOf = (schedule: Schedule): ScheduleRow => ({
  id: schedule.id,
  tenant_id: schedule.tenantId,
  name: schedule.name,
  kind: schedule.kind,
  target: schedule.target,
  timing: JSON.stringify(schedule.timing),
  missed: schedule.missed,
  input: JSON.stringify(schedule.input ?? null),
  intent: schedule.intent,
  enabled: schedule.isEnabled ? 1 : 0,
  agent_id: schedule.agentId,
  next_at: schedule.nextAt,
  last_due_at: schedule.lastDueAt,
  last_run_id: schedule.lastRunId,
  last_error: schedule.lastError,
  started: schedule.started,
  created_by: schedule.createdBy,
  created_at: schedule.createdAt,
  updated_at: schedule.updatedAt,
})
