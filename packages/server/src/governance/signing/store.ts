import type { Database, Queryable } from '../../storage/database.ts'
import type { SigningKeyRow } from '../../storage/schema.ts'

export interface SigningStore {
  findActive(tenantId: string, within?: Queryable): Promise<SigningKeyRow | undefined>
  /** Tenants that have no active key. */
  tenantsWithout(): Promise<string[]>
  insert(row: SigningKeyRow, within: Queryable): Promise<void>
  deactivateAll(tenantId: string, within: Queryable): Promise<void>
  /** Hold the tenant's keys until the transaction ends. */
  lock(tenantId: string, within: Queryable): Promise<void>
}

export function signingStore(database: Database): SigningStore {
  const { db } = database
  return {
    findActive: (tenantId, within = db) =>
      within
        .selectFrom('signing_keys')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('active', '=', 1)
        .executeTakeFirst(),
    async tenantsWithout() {
      const rows = await db
        .selectFrom('tenants as t')
        .leftJoin('signing_keys as k', (join) => join.onRef('k.tenant_id', '=', 't.id').on('k.active', '=', 1))
        .where('k.id', 'is', null)
        .select('t.id')
        .orderBy('t.id')
        .execute()
      return rows.map((row) => row.id)
    },
    async insert(row, within) {
      await within.insertInto('signing_keys').values(row).execute()
    },
    async deactivateAll(tenantId, within) {
      await within.updateTable('signing_keys').set({ active: 0 }).where('tenant_id', '=', tenantId).execute()
    },
    lock: (tenantId, within) => database.lock(`signing:${tenantId}`, within as never),
  }
}
