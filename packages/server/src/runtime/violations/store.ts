import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { Category, Violation, WhichViolations } from './violations.ts'

/** SQL for violations. */
export interface ViolationStore {
  insert(scope: TenantScope, violation: Violation, within: Queryable): Promise<void>
  list(scope: TenantScope, which: WhichViolations): Promise<Violation[]>
  deleteBefore(at: Micros): Promise<void>
}

export function createViolationStore({ db }: Database): ViolationStore {
  return {
    async insert({ tenantId }, violation, within) {
      await within
        .insertInto('storage_violations')
        .values({
          id: violation.id,
          tenant_id: tenantId,
          category: violation.category,
          execution_id: violation.executionId,
          volume_id: violation.volumeId,
          path: violation.path,
          operation: violation.operation,
          details: violation.details,
          created_at: violation.at,
        })
        .execute()
    },
    async list({ tenantId }, { volumeId, limit, offset }) {
      const all = db
        .selectFrom('storage_violations')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .orderBy('seq', 'desc')
        .limit(limit)
        .offset(offset)
      const rows = await (volumeId === null ? all : all.where('volume_id', '=', volumeId)).execute()
      return rows.map((row) => ({
        id: row.id,
        category: row.category as Category,
        executionId: row.execution_id,
        volumeId: row.volume_id,
        path: row.path,
        operation: row.operation,
        details: row.details,
        at: row.created_at,
      }))
    },
    async deleteBefore(at) {
      await db.deleteFrom('storage_violations').where('created_at', '<', at).execute()
    },
  }
}
