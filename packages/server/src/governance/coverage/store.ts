import { sql } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'

/** How an agent used one tool in one environment. */
export interface ToolUse {
  readonly agentId: string
  readonly toolName: string
  readonly env: string | null
  readonly count: number
  readonly lastUsed: Micros
  readonly denied: number
  readonly allowed: number
  readonly wouldDeny: number
}

export interface CoverageStore {
  /** Of events no older than `since`; of one agent or one environment when named. */
  toolUse(
    scope: TenantScope,
    since: Micros,
    only?: { agentId?: string | undefined; env?: string | undefined },
  ): Promise<ToolUse[]>
}

export function createCoverageStore({ db }: Database): CoverageStore {
  const countIf = (condition: ReturnType<typeof sql<boolean>>) =>
    sql<number>`coalesce(sum(case when ${condition} then 1 else 0 end), 0)`
  return {
    async toolUse({ tenantId }, since, { agentId, env } = {}) {
      let query = db.selectFrom('events').where('tenant_id', '=', tenantId).where('timestamp', '>=', since)
      if (agentId !== undefined) query = query.where('agent_id', '=', agentId)
      if (env !== undefined) query = query.where('env', '=', env)
      const rows = await query
        .select((e) => [
          'agent_id',
          'tool_name',
          'env',
          e.fn.countAll<number>().as('count'),
          e.fn.max('timestamp').as('last'),
          countIf(sql<boolean>`verdict = 'call_denied'`).as('denied'),
          countIf(sql<boolean>`verdict in ('call_allowed', 'call_executed')`).as('allowed'),
          countIf(sql<boolean>`verdict = 'call_would_deny'`).as('would_deny'),
        ])
        .groupBy(['agent_id', 'tool_name', 'env'])
        .orderBy('agent_id')
        .orderBy('tool_name')
        .orderBy('env')
        .execute()
      return rows.map((row) => ({
        agentId: row.agent_id,
        toolName: row.tool_name,
        env: row.env,
        count: Number(row.count),
        lastUsed: Number(row.last),
        denied: Number(row.denied),
        allowed: Number(row.allowed),
        wouldDeny: Number(row.would_deny),
      }))
    },
  }
}
