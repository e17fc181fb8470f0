import type { SystemScope, TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { RateLimitOverrideRow } from '../../storage/schema.ts'
import type { Override } from './policy.ts'
import type { BucketName } from './resources.ts'

/** SQL for limits that were set, and for what quotas count. */
export interface LimitStore {
  /** Those of the tenant as a whole, and those of this user. */
  overridesFor(scope: TenantScope, userId: string | null): Promise<Override[]>
  /** In the order in which they were set. */
  listOverrides(scope: TenantScope | SystemScope, filter: { userId?: string | undefined }): Promise<Override[]>
  /** Set a limit; one that was set for the same is changed, and keeps its id. */
  putOverride(override: Override): Promise<Override>
  /** False when there is none. */
  deleteOverride(scope: TenantScope | SystemScope, id: string): Promise<boolean>
  /** The tenant of this id or slug; null when there is none. */
  findTenant(scope: SystemScope, idOrSlug: string): Promise<{ readonly tenantId: string; readonly slug: string } | null>
  slugOf(scope: TenantScope, within?: Queryable): Promise<string>
  /** The tier that an operator gave the tenant. */
  givenTier(scope: TenantScope, within?: Queryable): Promise<string>
  /** Numbers that an operator set in place of the tier's. */
  givenQuotas(scope: TenantScope, within?: Queryable): Promise<GivenQuotas>
  /** Held until the transaction ends: what a quota counts is counted by one after the other. */
  countExecutions(scope: TenantScope, within: Queryable): Promise<number>
  countAgents(scope: TenantScope, within: Queryable): Promise<number>
  /** Bytes that volumes may hold; of the one for attachments, what it holds. Files of executions are not counted. */
  countBytes(scope: TenantScope, within: Queryable): Promise<number>
  /** All of these, and members, as they are now. */
  countAll(scope: TenantScope): Promise<Counts>
}

export interface GivenQuotas {
  readonly maxConcurrentExecutions?: number
  readonly maxAgents?: number
  readonly maxStorageGb?: number
}

export interface Counts {
  readonly executions: number
  readonly agents: number
  readonly bytes: number
  readonly members: number
  readonly kind: string
}

export function createLimitStore(database: Database): LimitStore {
  const { db } = database
  const isOf = (scope: TenantScope | SystemScope): scope is TenantScope => 'tenantId' in scope
  return {
    async overridesFor({ tenantId }, userId) {
      const rows = await db
        .selectFrom('rate_limit_overrides')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where((e) =>
          userId === null ? e('user_id', 'is', null) : e.or([e('user_id', 'is', null), e('user_id', '=', userId)]),
        )
        .execute()
      return rows.map(overrideOf)
    },
    async listOverrides(scope, { userId }) {
      let query = db.selectFrom('rate_limit_overrides').selectAll()
      if (isOf(scope)) query = query.where('tenant_id', '=', scope.tenantId)
      if (userId !== undefined) query = query.where('user_id', '=', userId)
      return (await query.orderBy('created_at').orderBy('id').execute()).map(overrideOf)
    },
    async putOverride(override) {
      return db.transaction().execute(async (within) => {
        const { tenantId, userId, resourceType, bucket } = override
        await database.lock(`rate-limit-override:${tenantId}`, within)
        const kept = await within
          .selectFrom('rate_limit_overrides')
          .selectAll()
          .where('tenant_id', '=', tenantId)
          .where((e) => (userId === null ? e('user_id', 'is', null) : e('user_id', '=', userId)))
          .where('resource_type', '=', resourceType)
          .where('bucket', '=', bucket)
          .executeTakeFirst()
        const put = kept ? { ...override, id: kept.id, createdAt: kept.created_at } : override
        if (kept) await within.updateTable('rate_limit_overrides').set(rowOf(put)).where('id', '=', put.id).execute()
        else await within.insertInto('rate_limit_overrides').values(rowOf(put)).execute()
        return put
      })
    },
    async deleteOverride(scope, id) {
      let query = db.deleteFrom('rate_limit_overrides').where('id', '=', id)
      if (isOf(scope)) query = query.where('tenant_id', '=', scope.tenantId)
      const result = await query.executeTakeFirst()
      return Number(result.numDeletedRows) === 1
    },
    async findTenant(_system, idOrSlug) {
      const row = await db
        .selectFrom('tenants')
        .select(['id', 'slug'])
        .where((e) => e.or([e('id', '=', idOrSlug), e('slug', '=', idOrSlug)]))
        .executeTakeFirst()
      return row ? { tenantId: row.id, slug: row.slug } : null
    },
    async slugOf({ tenantId }, within = db) {
      const row = await within.selectFrom('tenants').select('slug').where('id', '=', tenantId).executeTakeFirst()
      return row?.slug ?? ''
    },
    async givenTier({ tenantId }, within = db) {
      const row = await within.selectFrom('tenants').select('tier').where('id', '=', tenantId).executeTakeFirst()
      return row?.tier ?? ''
    },
    async givenQuotas({ tenantId }, within = db) {
      const row = await within.selectFrom('tenants').select('quotas').where('id', '=', tenantId).executeTakeFirst()
      return row?.quotas ? (JSON.parse(row.quotas) as GivenQuotas) : {}
    },
    async countExecutions(scope, within) {
      await database.lock(`quota:${scope.tenantId}`, within as never)
      return countExecutions(scope, within)
    },
    async countAgents(scope, within) {
      await database.lock(`quota:${scope.tenantId}`, within as never)
      return countAgents(scope, within)
    },
    async countBytes(scope, within) {
      await database.lock(`quota:${scope.tenantId}`, within as never)
      return countBytes(scope, within)
    },
    async countAll(scope) {
      const [executions, agents, bytes, members, tenant] = await Promise.all([
        countExecutions(scope, db),
        countAgents(scope, db),
        countBytes(scope, db),
        db
          .selectFrom('members')
          .select((e) => e.fn.countAll().as('count'))
          .where('tenant_id', '=', scope.tenantId)
          .executeTakeFirst(),
        db.selectFrom('tenants').select('kind').where('id', '=', scope.tenantId).executeTakeFirst(),
      ])
      return { executions, agents, bytes, members: Number(members?.count ?? 0), kind: tenant?.kind ?? 'team' }
    },
  }

  async function countExecutions({ tenantId }: TenantScope, within: Queryable): Promise<number> {
    const row = await within
      .selectFrom('executions')
      .select((e) => e.fn.countAll().as('count'))
      .where('tenant_id', '=', tenantId)
      .where('status', 'in', ['pending', 'running'])
      .where('parent_id', 'is', null)
      .executeTakeFirst()
    return Number(row?.count ?? 0)
  }

  async function countAgents({ tenantId }: TenantScope, within: Queryable): Promise<number> {
    const row = await within
      .selectFrom('agents')
      .select((e) => e.fn.countAll().as('count'))
      .where('tenant_id', '=', tenantId)
      .executeTakeFirst()
    return Number(row?.count ?? 0)
  }

  async function countBytes({ tenantId }: TenantScope, within: Queryable): Promise<number> {
    const rows = await within
      .selectFrom('volumes')
      .select(['purpose', (e) => e.fn.sum('size_limit').as('limit'), (e) => e.fn.sum('used_bytes').as('used')])
      .where('tenant_id', '=', tenantId)
      .where('owner_kind', 'not in', ['execution', 'run'])
      .groupBy('purpose')
      .execute()
    return rows.reduce((sum, { purpose, limit, used }) => sum + Number(purpose === 'attachments' ? used : limit), 0)
  }
}

const overrideOf = (row: RateLimitOverrideRow): Override => ({
  id: row.id,
  tenantId: row.tenant_id,
  userId: row.user_id,
  resourceType: row.resource_type,
  bucket: row.bucket as BucketName,
  limit: Number(row.limit_value),
  burst: row.burst_value === null ? null : Number(row.burst_value),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

const rowOf = (override: Override): RateLimitOverrideRow => ({
  id: override.id,
  tenant_id: override.tenantId,
  user_id: override.userId,
  resource_type: override.resourceType,
  bucket: override.bucket,
  limit_value: override.limit,
  burst_value: override.burst,
  created_at: override.createdAt,
  updated_at: override.updatedAt,
})
