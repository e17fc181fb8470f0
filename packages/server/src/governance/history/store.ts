import { sql } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database } from '../../storage/database.ts'
import { fieldText } from '../../storage/expressions.ts'
import type { DeployedAt, VersionRun } from './timeline.ts'

/** What an agent's events and its environment's deployments tell of its past. */
export function createHistoryStore(database: Database) {
  const { db } = database
  return {
    /** The agent's oldest or newest event. */
    edgeEvent: ({ tenantId }: TenantScope, agentId: string, order: 'asc' | 'desc') =>
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
    deployments: ({ tenantId }: TenantScope, env: string, limit: number): Promise<DeployedAt[]> =>
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
        .select([
          'd.bundle_name as bundleName',
          'd.bundle_version as bundleVersion',
          'd.deployed_by as deployedBy',
          'd.created_at as createdAt',
          'b.revision_hash as revisionHash',
        ])
        .orderBy('d.seq', 'desc')
        .limit(limit)
        .execute(),

    /** Where the reported revision changed, oldest first. */
    async versionRuns({ tenantId }: TenantScope, agentId: string): Promise<VersionRun[]> {
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
