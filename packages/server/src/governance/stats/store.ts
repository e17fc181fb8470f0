import { type RawBuilder, sql } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database } from '../../storage/database.ts'
import { indexed } from '../../storage/events/index-conditions.ts'
import { isIndexedText } from '../../storage/expressions.ts'
import type { Micros } from '../../storage/instants.ts'

/** Whose events: a tenant's, and of one environment when an API key asks. */
export type StatsScope = TenantScope & { readonly env?: string | undefined }

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

type Condition = RawBuilder<unknown>

export function createStatsStore(database: Database): StatsStore {
  const { db } = database
  const eventsOf = ({ tenantId, env }: StatsScope) => {
    const query = db.selectFrom('events').where('tenant_id', '=', tenantId)
    return env === undefined ? query : query.where('env', '=', env)
  }
  const decided = (events: ReturnType<typeof eventsOf>) =>
    events.where('decision_name', '<>', '').where(indexed.decided(database))
  const countIf = (condition: ReturnType<typeof sql<boolean>>) =>
    sql<number>`coalesce(sum(case when ${condition} then 1 else 0 end), 0)`

  /** Hops from agent to agent along the index instead of reading every event; an agent counts that has one such event. */
  async function countAgentsWith({ tenantId, env }: StatsScope, condition: Condition | null): Promise<number> {
    const next = (after: Condition) =>
      sql`(select min(agent_id) from events where tenant_id = ${tenantId} and agent_id > ${after})`
    const inEnv = env === undefined ? sql`` : sql`and env = ${env}`
    const counts = condition
      ? sql`exists (select 1 from events where tenant_id = ${tenantId} and agent_id = agents.id ${inEnv} ${condition})`
      : sql`1 = 1`
    const { rows } = await sql<{ count: number }>`
      with recursive agents(id) as (
        select min(agent_id) from events where tenant_id = ${tenantId}
        union all
        select ${next(sql`agents.id`)} from agents where agents.id is not null
      )
      select count(*) as count from agents where id is not null and ${counts}`.execute(db)
    return countIn(rows[0])
  }

  return {
    async countPendingApprovals({ tenantId, env }) {
      let query = db.selectFrom('approvals').where('tenant_id', '=', tenantId).where('status', '=', 'pending')
      if (env !== undefined) query = query.where('env', '=', env)
      return countIn(await query.select((e) => e.fn.countAll<number>().as('count')).executeTakeFirstOrThrow())
    },
    countActiveAgents: (scope, since) => countAgentsWith(scope, sql`and timestamp >= ${since}`),
    async countAgents(scope) {
      return countAgentsWith(scope, scope.env === undefined ? null : sql``)
    },
    async countRecent(scope, since) {
      const recent = () => eventsOf(scope).where('timestamp', '>=', since)
      const count = async (query: ReturnType<typeof recent>) =>
        countIn(await query.select((e) => e.fn.countAll<number>().as('count')).executeTakeFirst())
      // Each by the index that holds little else.
      return {
        events: await count(recent()),
        denials: await count(
          recent()
            .where(isIndexedText(database, 'verdict', 'call_denied'))
            .where(indexed.seldomVerdict(database)),
        ),
        observeFindings: await count(
          recent()
            .where('mode', '=', 'observe')
            .where(indexed.observed(database))
            .where('verdict', '=', 'call_would_deny'),
        ),
        contractsTriggered: countIn(
          await db
            .selectFrom(decided(recent()).select('decision_name').distinct().as('triggered'))
            .select((e) => e.fn.countAll<number>().as('count'))
            .executeTakeFirst(),
        ),
      }
    },
    async countByContract(scope, since, until) {
      const rows = await decided(eventsOf(scope).where('timestamp', '>=', since).where('timestamp', '<=', until))
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
