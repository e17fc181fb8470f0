import type { Insertable, Selectable } from 'kysely'
import type { Database, Queryable } from '../../storage/database.ts'
import type { BundleRow, DeploymentRow } from '../../storage/schema.ts'

export type Deployment = Selectable<DeploymentRow>

/** The newest deployment of a name in an environment. */
export interface CurrentDeployment {
  readonly seq: number
  readonly id: string
  readonly env: string
  readonly bundle_name: string
  readonly bundle_version: number
  /** Null when the version's row is gone. */
  readonly revision_hash: string | null
}

export interface DeploymentStore {
  /** Hold the tenant's deployments until the transaction ends: the order of rows is the order of commits. */
  lock(tenantId: string, within: Queryable): Promise<void>
  insert(row: Insertable<DeploymentRow>, within: Queryable): Promise<void>
  /** Newest first. */
  list(
    tenantId: string,
    filter: { env?: string | undefined; bundleName?: string | undefined; limit: number },
  ): Promise<Deployment[]>
  find(tenantId: string, id: string): Promise<Deployment | undefined>
  /** The newest of each (environment, name), newest first. */
  current(
    tenantId: string,
    filter?: { env?: string; bundleName?: string },
    within?: Queryable,
  ): Promise<CurrentDeployment[]>
  /** The bundle that the newest deployment of the name in the environment put there. */
  currentBundle(tenantId: string, env: string, name: string): Promise<BundleRow | undefined>
  /** When each name was last deployed to each environment. */
  lastDeployed(tenantId: string): Promise<{ bundle_name: string; env: string; last: number }[]>
}

export function deploymentStore(database: Database): DeploymentStore {
  const { db } = database
  return {
    lock: (tenantId, within) => database.lock(`deployments:${tenantId}`, within as never),
    async insert(row, within) {
      await within.insertInto('deployments').values(row).execute()
    },
    list(tenantId, { env, bundleName, limit }) {
      let query = db.selectFrom('deployments').selectAll().where('tenant_id', '=', tenantId)
      if (env !== undefined) query = query.where('env', '=', env)
      if (bundleName !== undefined) query = query.where('bundle_name', '=', bundleName)
      return query.orderBy('seq', 'desc').limit(limit).execute()
    },
    find: (tenantId, id) =>
      db
        .selectFrom('deployments')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst(),
    current(tenantId, filter = {}, within = db) {
      let newest = within.selectFrom('deployments').where('tenant_id', '=', tenantId)
      if (filter.env !== undefined) newest = newest.where('env', '=', filter.env)
      if (filter.bundleName !== undefined) newest = newest.where('bundle_name', '=', filter.bundleName)
      return within
        .selectFrom('deployments as d')
        .leftJoin('bundles as b', (join) =>
          join
            .onRef('b.tenant_id', '=', 'd.tenant_id')
            .onRef('b.name', '=', 'd.bundle_name')
            .onRef('b.version', '=', 'd.bundle_version'),
        )
        .where('d.seq', 'in', newest.select((e) => e.fn.max('seq').as('seq')).groupBy(['env', 'bundle_name']))
        .select(['d.seq', 'd.id', 'd.env', 'd.bundle_name', 'd.bundle_version', 'b.revision_hash'])
        .orderBy('d.seq', 'desc')
        .execute()
    },
    currentBundle: (tenantId, env, name) =>
      db
        .selectFrom('deployments as d')
        .innerJoin('bundles as b', (join) =>
          join
            .onRef('b.tenant_id', '=', 'd.tenant_id')
            .onRef('b.name', '=', 'd.bundle_name')
            .onRef('b.version', '=', 'd.bundle_version'),
        )
        .where('d.tenant_id', '=', tenantId)
        .where('d.bundle_name', '=', name)
        .where('d.env', '=', env)
        .selectAll('b')
        .orderBy('d.seq', 'desc')
        .limit(1)
        .executeTakeFirst(),
    lastDeployed: (tenantId) =>
      db
        .selectFrom('deployments')
        .where('tenant_id', '=', tenantId)
        .select((e) => ['bundle_name', 'env', e.fn.max('created_at').as('last')])
        .groupBy(['bundle_name', 'env'])
        .orderBy('env')
        .execute(),
  }
}
