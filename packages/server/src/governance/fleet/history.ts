import { sql } from 'kysely'
import { NotFound } from '../../errors.ts'
import type { UserCaller } from '../../http/caller.ts'
import type { Database } from '../../storage/database.ts'
import { fieldText } from '../../storage/expressions.ts'
import { type DeployedAt, type TimelineEntry, timelineOf, type VersionRun } from './timeline.ts'

export interface AgentHistory {
  /** Of the agent's latest event. */
  readonly environment: string | null
  readonly entries: readonly TimelineEntry[]
}

/** @throws NotFound when the agent never sent an event. `limit` counts deployments, 1 to 200. */
export type ReadHistory = (caller: UserCaller, agentId: string, limit: number) => Promise<AgentHistory>

/** What became of an agent's contracts, from its events and the deployments of its environment (console-api §8.7.4). */
export function agentHistory({ database }: { database: Database }): ReadHistory {
  const store = historyStore(database)
  return async ({ tenantId }, agentId, limit) => {
    const [first, last] = await Promise.all([
      store.edgeEvent(tenantId, agentId, 'asc'),
      store.edgeEvent(tenantId, agentId, 'desc'),
    ])
    if (!first || !last) throw new NotFound('No events found for this agent')
    const deployments = last.env === null ? [] : await store.deployments(tenantId, last.env, limit)
    const runs = deployments.length === 0 ? [] : await store.versionRuns(tenantId, agentId)
    const firstSeen = { at: first.timestamp, env: first.env ?? last.env ?? 'unknown' }
    return { environment: last.env, entries: timelineOf(firstSeen, deployments, runs) }
  }
}

function historyStore(database: Database) {
  const { db } = database
  return {
    /** The agent's oldest or newest event. */
    edgeEvent: (tenantId: string, agentId: string, order: 'asc' | 'desc') =>
      db
        .selectFrom('events')
        .select(['timestamp', 'env'])
        .where('tenant_id', '=', tenantId)
        .where('agent_id', '=', agentId)
        .orderBy('timestamp', order)
        .orderBy('seq', order)
        .limit(1)
        .executeTakeFirst(),

    /** Newest first. */
    deployments: (tenantId: string, env: string, limit: number): Promise<DeployedAt[]> =>
      db
        .selectFrom('deployments as d')
        .leftJoin('bundles as b', (join) =>
          join
            .onRef('b.tenant_id', '=', 'd.tenant_id')
            .onRef('b.name', '=', 'd.bundle_name')
            .onRef('b.version', '=', 'd.bundle_version'),
        )
        .where('d.tenant_id', '=', tenantId)
        .where('d.env', '=', env)
        .select(['d.bundle_name', 'd.bundle_version', 'd.deployed_by', 'd.created_at', 'b.revision_hash'])
        .orderBy('d.seq', 'desc')
        .limit(limit)
        .execute(),

    /** Where the reported revision changed, oldest first. */
    async versionRuns(tenantId: string, agentId: string): Promise<VersionRun[]> {
      const reported = db
        .selectFrom('events')
        .where('tenant_id', '=', tenantId)
        .where('agent_id', '=', agentId)
        .select(['timestamp', 'seq', fieldText(database, 'payload', 'policy_version').as('version')])
        .as('reported')
      const compared = db
        .selectFrom(reported)
        .where('version', 'is not', null)
        .select([
          'timestamp',
          'version',
          sql<string | null>`lag(version) over (order by timestamp, seq)`.as('previous'),
        ])
        .as('compared')
      const rows = await db
        .selectFrom(compared)
        .select(['timestamp', 'version'])
        .where((e) => e.or([e('previous', 'is', null), e('previous', '!=', e.ref('version'))]))
        .orderBy('timestamp')
        .execute()
      return rows.map((row) => ({ policyVersion: row.version ?? '', start: row.timestamp }))
    },
  }
}
