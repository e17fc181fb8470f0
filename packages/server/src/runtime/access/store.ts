import type { Database } from '../../storage/database.ts'
import type { ServiceAccountRow, TokenKeyRow } from '../../storage/schema.ts'

/** SQL for token keys and service accounts. */
export interface AccessStore {
  listKeys(): Promise<TokenKeyRow[]>
  /** The first key wins: of several servers starting at once, all end with the same one. */
  insertFirstKey(row: TokenKeyRow): Promise<TokenKeyRow>
  insertAccount(row: ServiceAccountRow): Promise<void>
  listAccounts(tenantId: string): Promise<ServiceAccountRow[]>
  /** Not revoked, or null. */
  findAccount(clientId: string): Promise<ServiceAccountRow | null>
  revokeAccount(tenantId: string, id: string, at: number): Promise<boolean>
  slugOf(tenantId: string): Promise<string | null>
}

export function accessStore(database: Database): AccessStore {
  const { db } = database
  return {
    listKeys: () => db.selectFrom('token_keys').selectAll().orderBy('created_at', 'desc').execute(),
    insertFirstKey: (row) =>
      db.transaction().execute(async (within) => {
        await database.lock('token-keys', within)
        const first = await within.selectFrom('token_keys').selectAll().orderBy('created_at', 'desc').executeTakeFirst()
        if (first) return first
        await within.insertInto('token_keys').values(row).execute()
        return row
      }),
    async insertAccount(row) {
      await db.insertInto('service_accounts').values(row).execute()
    },
    listAccounts: (tenantId) =>
      db
        .selectFrom('service_accounts')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('revoked_at', 'is', null)
        .orderBy('created_at', 'desc')
        .execute(),
    findAccount: async (clientId) =>
      (await db
        .selectFrom('service_accounts')
        .selectAll()
        .where('client_id', '=', clientId)
        .where('revoked_at', 'is', null)
        .executeTakeFirst()) ?? null,
    async revokeAccount(tenantId, id, at) {
      const result = await db
        .updateTable('service_accounts')
        .set({ revoked_at: at })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    slugOf: async (tenantId) =>
      (await db.selectFrom('tenants').select('slug').where('id', '=', tenantId).executeTakeFirst())?.slug ?? null,
  }
}
