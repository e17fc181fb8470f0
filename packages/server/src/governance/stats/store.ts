import { sql } from 'kysely'
import type { Database } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'

/** Whose events: a tenant's, and of one environment when an API key asks. */
export interface StatsScope {
  readonly tenantId: string
  readonly env?: string | undefined
}

export interface RecentCounts {
  readonly events: number
  readonly denials: number
  readonly observeFindings: number
  readonly contractsTriggered: number
}

export interface ContractCounts {
  readonly decisionName: string
  readonly evaluations: number
  readonly denials: number
  readonly warnings: number
  readonly lastTriggered: Micros
}

export interface StatsStore {
  countPendingApprovals(scope: StatsScope): Promise<number>
  /** Distinct agents among the events since. */
  countActiveAgents(scope: StatsScope, since: Micros): Promise<number>
  /** Distinct agents among all events. */
  countAgents(scope: StatsScope): Promise<number>
  countRecent(scope: StatsScope, since: Micros): Promise<RecentCounts>
  /** Both bounds inclusive. Events without a decision name are not among them. */
  countByContract(scope: StatsScope, since: Micros, until: Micros): Promise<ContractCounts[]>
  /** Both bounds inclusive. */
  countEvents(scope: StatsScope, since: Micros, until: Micros): Promise<number>
}

export function statsStore({ db }: Database): StatsStore {
  const eventsOf = ({ tenantId, env }: StatsScope) => {
    const query = db.selectFrom('events').where('tenant_id', '=', tenantId)
    return env === undefined ? query : query.where('env', '=', env)
  }
  const countIf = (condition: ReturnType<typeof sql<boolean>>) =>
    sql<number>`coalesce(sum(case when ${condition} then 1 else 0 end), 0)`

  return {
    async countPendingApprovals({ tenantId, env }) {
      let query = db.selectFrom('approvals').where('tenant_id', '=', tenantId).where('status', '=', 'pending')
      if (env !== undefined) query = query.where('env', '=', env)
      return countIn(await query.select((e) => e.fn.countAll<number>().as('count')).executeTakeFirstOrThrow())
    },
    async countActiveAgents(scope, since) {
      const query = eventsOf(scope).where('timestamp', '>=', since)
      return countIn(
        await query.select((e) => e.fn.count<number>('agent_id').distinct().as('count')).executeTakeFirstOrThrow(),
      )
    },
    async countAgents({ tenantId, env }) {
      // Hops from agent to agent along the index instead of reading every event.
      const next = (after: ReturnType<typeof sql>) =>
        sql`(select min(agent_id) from events where tenant_id = ${tenantId} and agent_id > ${after})`
      const inEnv =
        env === undefined
          ? sql`1 = 1`
          : sql`exists (select 1 from events where tenant_id = ${tenantId} and agent_id = agents.id and env = ${env})`
      const { rows } = await sql<{ count: number }>`
        with recursive agents(id) as (
          select min(agent_id) from events where tenant_id = ${tenantId}
          union all
          select ${next(sql`agents.id`)} from agents where agents.id is not null
        )
        select count(*) as count from agents where id is not null and ${inEnv}`.execute(db)
      return countIn(rows[0])
    },
    async countRecent(scope, since) {
      const row = await eventsOf(scope)
        .where('timestamp', '>=', since)
        .select((e) => [
          e.fn.countAll<number>().as('events'),
          countIf(sql<boolean>`verdict = 'call_denied'`).as('denials'),
          countIf(sql<boolean>`mode = 'observe' and verdict = 'call_would_deny'`).as('observe_findings'),
          sql<number>`count(distinct nullif(decision_name, ''))`.as('contracts_triggered'),
        ])
        .executeTakeFirstOrThrow()
      return {
        events: Number(row.events),
        denials: Number(row.denials),
        observeFindings: Number(row.observe_findings),
        contractsTriggered: Number(row.contracts_triggered),
      }
    },
    async countByContract(scope, since, until) {
      const rows = await eventsOf(scope)
        .where('timestamp', '>=', since)
        .where('timestamp', '<=', until)
        .where('decision_name', '<>', '')
        .select((e) => [
          'decision_name',
          e.fn.countAll<number>().as('evaluations'),
          countIf(sql<boolean>`verdict = 'call_denied'`).as('denials'),
          countIf(sql<boolean>`verdict = 'call_would_deny'`).as('warnings'),
          e.fn.max('timestamp').as('last_triggered'),
        ])
        .groupBy('decision_name')
        .orderBy('decision_name')
        .execute()
      return rows.map((row) => ({
        decisionName: row.decision_name,
        evaluations: Number(row.evaluations),
        denials: Number(row.denials),
        warnings: Number(row.warnings),
        lastTriggered: Number(row.last_triggered),
      }))
    },
    async countEvents(scope, since, until) {
      const query = eventsOf(scope).where('timestamp', '>=', since).where('timestamp', '<=', until)
      return countIn(await query.select((e) => e.fn.countAll<number>().as('count')).executeTakeFirstOrThrow())
    },
  }
}

const countIn = (row: { count: number } | undefined): number => Number(row?.count ?? 0)
