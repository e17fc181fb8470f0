import DataLoader from 'dataloader'
import type { Database, Queryable } from '../storage/database.ts'
import type { ApiKeyRow, TenantRow, UserRow, UserSessionRow } from '../storage/schema.ts'

export interface IdentityStore {
  countUsers(within?: Queryable): Promise<number>
  findUserByEmail(email: string): Promise<UserRow | undefined>
  /** The oldest administrator of the oldest tenant. */
  findFirstAdministrator(): Promise<UserRow | undefined>
  insertTenant(tenant: TenantRow, within: Queryable): Promise<void>
  insertUser(user: UserRow, within: Queryable): Promise<void>
  insertSession(session: UserSessionRow): Promise<void>
  findSession(tokenHash: string): Promise<UserSessionRow | undefined>
  extendSession(tokenHash: string, expiresAt: number): Promise<void>
  deleteSession(tokenHash: string): Promise<void>
  purgeSessions(before: number): Promise<void>
  insertKey(key: ApiKeyRow, within: Queryable): Promise<void>
  listKeys(tenantId: string): Promise<ApiKeyRow[]>
  findKeysByPrefix(prefix: string): Promise<ApiKeyRow[]>
  /** False when there is no such key, or it was revoked before. */
  revokeKey(tenantId: string, id: string, at: number, within: Queryable): Promise<boolean>
  listTenants(): Promise<TenantRow[]>
}

/** Prefixes asked for in one query. */
const PREFIXES_AT_ONCE = 100

export function identityStore({ db }: Database): IdentityStore {
  // Requests that arrive in the same turn of the event loop ask together. Nothing is kept: a key that was revoked is refused.
  const keysByPrefix = new DataLoader<string, ApiKeyRow[]>(
    async (prefixes) => {
      const rows = await db
        .selectFrom('api_keys')
        .selectAll()
        .where('prefix', 'in', [...new Set(prefixes)])
        .where('revoked_at', 'is', null)
        .execute()
      return prefixes.map((prefix) => rows.filter((row) => row.prefix === prefix))
    },
    { cache: false, maxBatchSize: PREFIXES_AT_ONCE, batchScheduleFn: setImmediate },
  )

  return {
    async countUsers(within = db) {
      const row = await within
        .selectFrom('users')
        .select((e) => e.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return Number(row.count)
    },
    findUserByEmail: (email) => db.selectFrom('users').selectAll().where('email', '=', email).executeTakeFirst(),
    findFirstAdministrator: () =>
      db
        .selectFrom('users')
        .selectAll()
        .where('is_admin', '=', 1)
        .orderBy('created_at')
        .orderBy('id')
        .limit(1)
        .executeTakeFirst(),
    async insertTenant(tenant, within) {
      await within.insertInto('tenants').values(tenant).execute()
    },
    async insertUser(user, within) {
      await within.insertInto('users').values(user).execute()
    },
    async insertSession(session) {
      await db.insertInto('user_sessions').values(session).execute()
    },
    findSession: (tokenHash) =>
      db.selectFrom('user_sessions').selectAll().where('token_hash', '=', tokenHash).executeTakeFirst(),
    async extendSession(tokenHash, expiresAt) {
      await db.updateTable('user_sessions').set({ expires_at: expiresAt }).where('token_hash', '=', tokenHash).execute()
    },
    async deleteSession(tokenHash) {
      await db.deleteFrom('user_sessions').where('token_hash', '=', tokenHash).execute()
    },
    async purgeSessions(before) {
      await db.deleteFrom('user_sessions').where('expires_at', '<', before).execute()
    },
    async insertKey(key, within) {
      await within.insertInto('api_keys').values(key).execute()
    },
    listKeys: (tenantId) =>
      db
        .selectFrom('api_keys')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('revoked_at', 'is', null)
        .orderBy('created_at')
        .orderBy('id')
        .execute(),
    findKeysByPrefix: (prefix) => keysByPrefix.load(prefix),
    async revokeKey(tenantId, id, at, within) {
      const result = await within
        .updateTable('api_keys')
        .set({ revoked_at: at })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    listTenants: () => db.selectFrom('tenants').selectAll().orderBy('created_at').execute(),
  }
}
