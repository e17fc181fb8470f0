import { type SystemScope, scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { SigningKeyRow } from '../../storage/schema.ts'

/** A tenant's key as it is kept. */
export interface StoredSigningKey {
  readonly id: string
  readonly tenantId: string
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  readonly sealedSeed: Uint8Array
  readonly createdAt: Micros
}

export interface SigningStore {
  findActive(scope: TenantScope, within?: Queryable): Promise<StoredSigningKey | undefined>
  /** Tenants that have no active key. */
  tenantsWithout(scope: SystemScope): Promise<TenantScope[]>
  /** It is the active one from here on. */
  insert(key: StoredSigningKey, within: Queryable): Promise<void>
  deactivateAll(scope: TenantScope, within: Queryable): Promise<void>
  /** Hold the tenant's keys until the transaction ends. */
  lock(scope: TenantScope, within: Queryable): Promise<void>
}

export function createSigningStore(database: Database): SigningStore {
  const { db } = database
  return {
    async findActive({ tenantId }, within = db) {
      const row = await within
        .selectFrom('signing_keys')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('active', '=', 1)
        .executeTakeFirst()
      return row && keyOf(row)
    },
    async tenantsWithout() {
      const rows = await db
        .selectFrom('tenants as t')
        .leftJoin('signing_keys as k', (join) => join.onRef('k.tenant_id', '=', 't.id').on('k.active', '=', 1))
        .where('k.id', 'is', null)
        .select('t.id')
        .orderBy('t.id')
        .execute()
      return rows.map((row) => scopeOfRecord({ tenantId: row.id }))
    },
    async insert(key, within) {
      const row: SigningKeyRow = {
        id: key.id,
        tenant_id: key.tenantId,
        public_key: key.publicKey,
        private_key_sealed: key.sealedSeed,
        active: 1,
        created_at: key.createdAt,
      }
      await within.insertInto('signing_keys').values(row).execute()
    },
    async deactivateAll({ tenantId }, within) {
      await within.updateTable('signing_keys').set({ active: 0 }).where('tenant_id', '=', tenantId).execute()
    },
    lock: ({ tenantId }, within) => database.lock(`signing:${tenantId}`, within as never),
  }
}

const keyOf = (row: SigningKeyRow): StoredSigningKey => ({
  id: row.id,
  tenantId: row.tenant_id,
  publicKey: row.public_key,
  sealedSeed: row.private_key_sealed,
  createdAt: row.created_at,
})
