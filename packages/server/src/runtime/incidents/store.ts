import type { SystemScope, TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'

/** Kinds of incidents, each as grave as it is: what was kept from happening, and whose access was taken. */
export const severities = {
  seal_policy_violation_blocked: 'high',
  seal_session_revoked: 'medium',
  policy_violation_blocked: 'high',
} as const
export type IncidentCategory = keyof typeof severities

/** Something that was refused, for people who look after security. */
export interface Incident {
  readonly id: string
  readonly tenantId: string
  readonly category: IncidentCategory
  readonly agentId: string | null
  readonly executionId: string | null
  readonly sessionId: string | null
  readonly toolName: string | null
  readonly details: string
  readonly occurredAt: Micros
}

/** SQL for incidents. */
export interface IncidentStore {
  insert(incidents: readonly Incident[], within?: Queryable): Promise<void>
  /** Newest first. */
  list(scope: TenantScope, limit: number): Promise<Incident[]>
  /** Forget those of every tenant that happened before. */
  forget(before: Micros, scope: SystemScope): Promise<void>
}

export function createIncidentStore({ db }: Database): IncidentStore {
  return {
    async insert(incidents, within = db) {
      if (incidents.length === 0) return
      await within
        .insertInto('security_incidents')
        .values(
          incidents.map((one) => ({
            id: one.id,
            tenant_id: one.tenantId,
            category: one.category,
            severity: severities[one.category],
            agent_id: one.agentId,
            execution_id: one.executionId,
            session_id: one.sessionId,
            tool_name: one.toolName,
            details: one.details,
            occurred_at: one.occurredAt,
          })),
        )
        .execute()
    },
    async forget(before) {
      await db.deleteFrom('security_incidents').where('occurred_at', '<', before).execute()
    },
    async list({ tenantId }, limit) {
      const rows = await db
        .selectFrom('security_incidents')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .orderBy('occurred_at', 'desc')
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map((row) => ({
        id: row.id,
        tenantId: row.tenant_id,
        category: row.category as IncidentCategory,
        agentId: row.agent_id,
        executionId: row.execution_id,
        sessionId: row.session_id,
        toolName: row.tool_name,
        details: row.details,
        occurredAt: row.occurred_at,
      }))
    },
  }
}
