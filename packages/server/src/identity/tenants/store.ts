import type { Selectable } from 'kysely'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { TenantRow } from '../../storage/schema.ts'
import type { SystemScope, TenantScope } from '../scope.ts'
import type { TenantStatus } from '../store.ts'

export const tiers = ['free', 'pro', 'business', 'enterprise', 'system'] as const
export type Tier = (typeof tiers)[number]

export interface Quotas {
  readonly maxConcurrentExecutions: number
  readonly maxAgents: number
  readonly maxStorageGb: number
}

/** A tenant as those who look after the installation see it. */
export interface TenantRecord {
  readonly id: string
  readonly slug: string
  readonly displayName: string
  readonly kind: 'team' | 'personal'
  readonly status: TenantStatus
  readonly tier: Tier
  /** What stands in place of the tier's numbers. */
  readonly quotas: Partial<Quotas>
  readonly createdAt: Micros
  readonly updatedAt: Micros
  readonly deletedAt: Micros | null
}

/** SQL for tenants, for those who look after all of them. */
export interface TenantStore {
  /** Without those that were deleted, oldest first. */
  list(scope: SystemScope): Promise<TenantRecord[]>
  /** Those that are suspended or deleted. */
  listStopped(scope: SystemScope): Promise<TenantRecord[]>
  find(scope: SystemScope, slug: string, within?: Queryable): Promise<TenantRecord | undefined>
  /** By its id, `t-` and its id, or its slug. */
  findNamed(scope: SystemScope, name: string): Promise<TenantRecord | undefined>
  statusOf(scope: TenantScope): Promise<TenantStatus | undefined>
  insert(tenant: TenantRecord, within: Queryable): Promise<void>
  update(
    scope: TenantScope,
    changes: Partial<Pick<TenantRecord, 'status' | 'quotas' | 'tier' | 'displayName' | 'deletedAt'>>,
    at: Micros,
    within: Queryable,
  ): Promise<void>
}

export function createTenantStore({ db }: Database): TenantStore {
  return {
    async list() {
      const rows = await db
        .selectFrom('tenants')
        .selectAll()
        .where('status', '!=', 'deleted')
        .orderBy('created_at')
        .orderBy('id')
        .execute()
      return rows.map(tenantOf)
    },
    async listStopped() {
      return (await db.selectFrom('tenants').selectAll().where('status', '!=', 'active').execute()).map(tenantOf)
    },
    async find(_scope, slug, within = db) {
      const row = await within.selectFrom('tenants').selectAll().where('slug', '=', slug).executeTakeFirst()
      return row && tenantOf(row)
    },
    async findNamed(_scope, name) {
      const named = name.replace(/^t-/, '')
      const rows = await db
        .selectFrom('tenants')
        .selectAll()
        .where((e) => e.or([e('id', '=', named), e('slug', '=', name)]))
        .execute()
      const row = rows.find(({ id }) => id === named) ?? rows[0]
      return row && tenantOf(row)
    },
    async statusOf({ tenantId }) {
      const row = await db.selectFrom('tenants').select('status').where('id', '=', tenantId).executeTakeFirst()
      return row?.status as TenantStatus | undefined
    },
    async insert(tenant, within) {
      await within
        .insertInto('tenants')
        .values({
          id: tenant.id,
          slug: tenant.slug,
          name: tenant.slug,
          display_name: tenant.displayName,
          kind: tenant.kind,
          status: tenant.status,
          tier: tenant.tier,
          quotas: JSON.stringify(tenant.quotas),
          created_at: tenant.createdAt,
          updated_at: tenant.updatedAt,
        })
        .execute()
    },
    async update({ tenantId }, { status, quotas, tier, displayName, deletedAt }, at, within) {
      await within
        .updateTable('tenants')
        .set({
          updated_at: at,
          ...(status === undefined ? {} : { status }),
          ...(quotas === undefined ? {} : { quotas: JSON.stringify(quotas) }),
          ...(tier === undefined ? {} : { tier }),
          ...(displayName === undefined ? {} : { display_name: displayName }),
          ...(deletedAt === undefined ? {} : { deleted_at: deletedAt }),
        })
        .where('id', '=', tenantId)
        .execute()
    },
  }
}

const tenantOf = (row: Selectable<TenantRow>): TenantRecord => ({
  id: row.id,
  slug: row.slug,
  displayName: row.display_name ?? row.name,
  kind: row.kind as TenantRecord['kind'],
  status: row.status as TenantStatus,
  tier: row.tier as Tier,
  quotas: row.quotas === null ? {} : (JSON.parse(row.quotas) as Partial<Quotas>),
  createdAt: row.created_at,
  updatedAt: row.updated_at ?? row.created_at,
  deletedAt: row.deleted_at,
})
