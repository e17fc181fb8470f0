import type { SystemScope, TenantScope } from '../../identity/scope.ts'
import type { Database } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'

/** What a tenant has, in numbers. */
export interface Counts {
  /** By status. */
  readonly executions: Readonly<Record<string, number>>
  readonly workflowRuns: Readonly<Record<string, number>>
  /** Of those that have ended since, by status. */
  readonly endedSince: Readonly<Record<string, number>>
  readonly incidents: number
  readonly violations: number
  readonly stimuli: number
  readonly activeAgents: number
  /** That are not dissolved. */
  readonly swarms: number
}

/** SQL for the summary, over the tables of several features. */
export interface DashboardStore {
  count(scope: TenantScope, since: Micros): Promise<Counts>
  countUnfinished(scope: SystemScope): Promise<number>
}

export function createDashboardStore({ db }: Database): DashboardStore {
  async function byStatus(table: 'executions' | 'workflow_runs', { tenantId }: TenantScope, endedSince?: Micros) {
    let query = db
      .selectFrom(table)
      .select((e) => ['status', e.fn.countAll().as('count')])
      .where('tenant_id', '=', tenantId)
    if (endedSince !== undefined) query = query.where('ended_at', '>=', endedSince)
    const rows = await query.groupBy('status').orderBy('status').execute()
    return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]))
  }
  async function countOf(
    table: 'security_incidents' | 'storage_violations' | 'stimuli',
    { tenantId }: TenantScope,
  ): Promise<number> {
    const row = await db
      .selectFrom(table)
      .select((e) => e.fn.countAll().as('count'))
      .where('tenant_id', '=', tenantId)
      .executeTakeFirst()
    return Number(row?.count ?? 0)
  }
  return {
    async countUnfinished() {
      const row = await db
        .selectFrom('executions')
        .select((e) => e.fn.countAll().as('count'))
        .where('status', 'in', ['pending', 'running'])
        .executeTakeFirst()
      return Number(row?.count ?? 0)
    },
    async count(scope, since) {
      const { tenantId } = scope
      const agents = db
        .selectFrom('agents')
        .select((e) => e.fn.countAll().as('count'))
        .where('tenant_id', '=', tenantId)
        .where('status', '=', 'active')
        .executeTakeFirst()
      const swarmsNow = db
        .selectFrom('swarms')
        .select((e) => e.fn.countAll().as('count'))
        .where('tenant_id', '=', tenantId)
        .where('status', '<>', 'dissolved')
        .executeTakeFirst()
      const [executions, workflowRuns, endedSince, incidents, violations, stimuli, active, swarming] =
        await Promise.all([
          byStatus('executions', scope),
          byStatus('workflow_runs', scope),
          byStatus('executions', scope, since),
          countOf('security_incidents', scope),
          countOf('storage_violations', scope),
          countOf('stimuli', scope),
          agents,
          swarmsNow,
        ])
      const activeAgents = Number(active?.count ?? 0)
      const swarms = Number(swarming?.count ?? 0)
      return { executions, workflowRuns, endedSince, incidents, violations, stimuli, activeAgents, swarms }
    },
  }
}
