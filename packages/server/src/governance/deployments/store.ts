import type { Selectable } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import { prepared } from '../../storage/prepared.ts'
import type { DeploymentRow } from '../../storage/schema.ts'
import { type Bundle, bundleOf } from '../bundles/store.ts'

/** A version was put into force in an environment. */
export interface Deployment {
  readonly id: string
  readonly tenantId: string
  readonly env: string
  readonly bundleName: string
  readonly bundleVersion: number
  readonly deployedBy: string
  readonly createdAt: Micros
}

/** The newest deployment of a name in an environment. */
export interface CurrentDeployment {
  readonly id: string
  readonly env: string
  readonly bundleName: string
  readonly bundleVersion: number
  /** Null when the version is gone. */
  readonly revisionHash: string | null
}

export interface DeploymentStore {
  /** Hold the tenant's deployments until the transaction ends: their order is the order of commits. */
  lock(scope: TenantScope, within: Queryable): Promise<void>
  insert(deployment: Deployment, within: Queryable): Promise<void>
  /** Newest first. */
  list(
    scope: TenantScope,
    filter: { env?: string | undefined; bundleName?: string | undefined; limit: number },
  ): Promise<Deployment[]>
  find(scope: TenantScope, id: string): Promise<Deployment | undefined>
  /** The newest of each (environment, name), newest first. */
  current(
    scope: TenantScope,
    filter?: { env?: string; bundleName?: string },
    within?: Queryable,
  ): Promise<CurrentDeployment[]>
  /** The bundle that the newest deployment of the name in the environment put there. */
  currentBundle(scope: TenantScope, env: string, name: string): Promise<Bundle | undefined>
  /** Which version that is, without its bytes: what every call of an agent in the runtime asks. */
  currentRevision(
    scope: TenantScope,
    env: string,
    name: string,
  ): Promise<{ readonly version: number; readonly revisionHash: string } | undefined>
  /** When each name was last deployed to each environment. */
  lastDeployed(scope: TenantScope): Promise<{ bundleName: string; env: string; lastAt: Micros }[]>
}

export function createDeploymentStore(database: Database): DeploymentStore {
  const { db } = database
  type Deployed = { tenantId: string; env: string; name: string }
  /** The newest deployment of a name in an environment, with its bundle. */
  const current = (on: Queryable, { tenantId, env, name }: Deployed) =>
    on
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
      .orderBy('d.seq', 'desc')
      .limit(1)
  const selectCurrent = prepared((on, of: Deployed) => current(on, of).selectAll('b'))
  const selectRevision = prepared((on, of: Deployed) => current(on, of).select(['b.version', 'b.revision_hash']))
  return {
    lock: ({ tenantId }, within) => database.lock(`deployments:${tenantId}`, within as never),
    async insert(deployment, within) {
      await within
        .insertInto('deployments')
        .values({
          id: deployment.id,
          tenant_id: deployment.tenantId,
          env: deployment.env,
          bundle_name: deployment.bundleName,
          bundle_version: deployment.bundleVersion,
          deployed_by: deployment.deployedBy,
          created_at: deployment.createdAt,
        })
        .execute()
    },
    async list({ tenantId }, { env, bundleName, limit }) {
      let query = db.selectFrom('deployments').selectAll().where('tenant_id', '=', tenantId)
      if (env !== undefined) query = query.where('env', '=', env)
      if (bundleName !== undefined) query = query.where('bundle_name', '=', bundleName)
      return (await query.orderBy('seq', 'desc').limit(limit).execute()).map(deploymentOf)
    },
    async find({ tenantId }, id) {
      const row = await db
        .selectFrom('deployments')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      return row && deploymentOf(row)
    },
    async current({ tenantId }, filter = {}, within = db) {
      let newest = within.selectFrom('deployments').where('tenant_id', '=', tenantId)
      if (filter.env !== undefined) newest = newest.where('env', '=', filter.env)
      if (filter.bundleName !== undefined) newest = newest.where('bundle_name', '=', filter.bundleName)
      const rows = await within
        .selectFrom('deployments as d')
        .leftJoin('bundles as b', (join) =>
          join
            .onRef('b.tenant_id', '=', 'd.tenant_id')
            .onRef('b.name', '=', 'd.bundle_name')
            .onRef('b.version', '=', 'd.bundle_version'),
        )
        .where('d.seq', 'in', newest.select((e) => e.fn.max('seq').as('seq')).groupBy(['env', 'bundle_name']))
        .select(['d.id', 'd.env', 'd.bundle_name', 'd.bundle_version', 'b.revision_hash'])
        .orderBy('d.seq', 'desc')
        .execute()
      return rows.map((row) => ({
        id: row.id,
        env: row.env,
        bundleName: row.bundle_name,
        bundleVersion: row.bundle_version,
        revisionHash: row.revision_hash,
      }))
    },
    async currentBundle({ tenantId }, env, name) {
      const [row] = await selectCurrent(db, { tenantId, env, name })
      return row && bundleOf(row)
    },
    async currentRevision({ tenantId }, env, name) {
      const [row] = await selectRevision(db, { tenantId, env, name })
      return row && { version: row.version, revisionHash: row.revision_hash }
    },
    async lastDeployed({ tenantId }) {
      const rows = await db
        .selectFrom('deployments')
        .where('tenant_id', '=', tenantId)
        .select((e) => ['bundle_name', 'env', e.fn.max('created_at').as('last_at')])
        .groupBy(['bundle_name', 'env'])
        .orderBy('env')
        .execute()
      return rows.map((row) => ({ bundleName: row.bundle_name, env: row.env, lastAt: row.last_at }))
    },
  }
}

const deploymentOf = (row: Selectable<DeploymentRow>): Deployment => ({
  id: row.id,
  tenantId: row.tenant_id,
  env: row.env,
  bundleName: row.bundle_name,
  bundleVersion: row.bundle_version,
  deployedBy: row.deployed_by,
  createdAt: row.created_at,
})
