import type { Selectable } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { IntentPipelineRow } from '../../storage/schema.ts'
import type { Pipeline, PipelineEnd } from './pipeline.ts'

/** SQL for pipelines of intents. */
export interface PipelineStore {
  insert(pipeline: Pipeline, within: Queryable): Promise<void>
  find(scope: TenantScope, id: string): Promise<Pipeline | null>
  /** Of a run; null for a run that is of none. */
  findOfRun(scope: TenantScope, runId: string): Promise<Pipeline | null>
  /** False when its end was written before. */
  end(id: string, end: PipelineEnd, within: Queryable): Promise<boolean>
  deleteOfRun(scope: TenantScope, runId: string, within: Queryable): Promise<void>
}

export function createPipelineStore({ db }: Database): PipelineStore {
  async function findBy({ tenantId }: TenantScope, column: 'id' | 'run_id', value: string): Promise<Pipeline | null> {
    const row = await db
      .selectFrom('intent_pipelines')
      .selectAll()
      .where(column, '=', value)
      .where('tenant_id', '=', tenantId)
      .executeTakeFirst()
    return row ? pipelineOf(row) : null
  }
  return {
    async insert({ id, tenantId, runId, intent, language, startedAt }, within) {
      await within
        .insertInto('intent_pipelines')
        .values({
          id,
          tenant_id: tenantId,
          run_id: runId,
          intent,
          language,
          status: 'running',
          final_result: null,
          failed_at_state: null,
          reason: null,
          started_at: startedAt,
          ended_at: null,
        })
        .execute()
    },
    find: (scope, id) => findBy(scope, 'id', id),
    findOfRun: (scope, runId) => findBy(scope, 'run_id', runId),
    async end(id, { status, endedAt, finalResult, failedAtState, reason }, within) {
      const { numUpdatedRows } = await within
        .updateTable('intent_pipelines')
        .set({ status, final_result: finalResult, failed_at_state: failedAtState, reason, ended_at: endedAt })
        .where('id', '=', id)
        .where('ended_at', 'is', null)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },
    async deleteOfRun({ tenantId }, runId, within) {
      await within
        .deleteFrom('intent_pipelines')
        .where('run_id', '=', runId)
        .where('tenant_id', '=', tenantId)
        .execute()
    },
  }
}

const pipelineOf = (row: Selectable<IntentPipelineRow>): Pipeline => ({
  id: row.id,
  tenantId: row.tenant_id,
  runId: row.run_id,
  intent: row.intent,
  language: row.language,
  startedAt: row.started_at,
  end:
    row.ended_at === null
      ? null
      : {
          status: row.status as PipelineEnd['status'],
          endedAt: row.ended_at,
          finalResult: row.final_result,
          failedAtState: row.failed_at_state,
          reason: row.reason,
        },
})
