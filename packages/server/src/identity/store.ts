import DataLoader from 'dataloader'
import type { Database, Queryable } from '../storage/database.ts'
import { inBatches } from '../storage/in-batches.ts'
import type { Micros } from '../storage/instants.ts'
import type { ApiKeyRow, UserRow, UserSessionRow } from '../storage/schema.ts'
import type { TenantScope } from './scope.ts'

export interface Tenant {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly createdAt: Micros
}

/** A person who may sign in. */
export interface User {
  readonly id: string
  readonly tenantId: string
  readonly email: string
  readonly passwordHash: string
  readonly isAdmin: boolean
  readonly createdAt: Micros
}

export interface UserSession {
  /** SHA-256 of the cookie's token. */
  readonly tokenHash: string
  readonly userId: string
  readonly tenantId: string
  readonly email: string
  readonly isAdmin: boolean
  readonly createdAt: Micros
  readonly expiresAt: Micros
}

/** A key that is in force. */
export interface ApiKey {
  readonly id: string
  readonly tenantId: string
  /** The part of the key that may be shown. */
  readonly prefix: string
  /** SHA-256 of the full key, hex. */
  readonly hash: string
  readonly env: string
  readonly label: string | null
  readonly createdAt: Micros
}

export interface IdentityStore {
  countUsers(within?: Queryable): Promise<number>
  findUserByEmail(email: string): Promise<User | undefined>
  /** The oldest administrator of the oldest tenant. */
  findFirstAdministrator(): Promise<User | undefined>
  insertTenant(tenant: Tenant, within: Queryable): Promise<void>
  insertUser(user: User, within: Queryable): Promise<void>
  insertSession(session: UserSession): Promise<void>
  findSession(tokenHash: string): Promise<UserSession | undefined>
  findSessions(tokenHashes: readonly string[]): Promise<UserSession[]>
  extendSession(tokenHash: string, expiresAt: number): Promise<void>
  deleteSession(tokenHash: string): Promise<void>
  purgeSessions(before: number): Promise<void>
  insertKey(key: ApiKey, within: Queryable): Promise<void>
  listKeys(scope: TenantScope): Promise<ApiKey[]>
  /** Of these ids, those of keys that are not revoked. */
  findKeysInForce(ids: readonly string[]): Promise<string[]>
  findKeysByPrefix(prefix: string): Promise<ApiKey[]>
  /** False when there is no such key, or it was revoked before. */
  revokeKey(scope: TenantScope, id: string, at: number, within: Queryable): Promise<boolean>
}

/** Prefixes asked for in one query. */
const PREFIXES_AT_ONCE = 100

export function createIdentityStore({ db }: Database): IdentityStore {
  // Requests that arrive in the same turn of the event loop ask together. Nothing is kept: a key that was revoked is refused.
  const keysByPrefix = new DataLoader<string, ApiKey[]>(
    async (prefixes) => {
      const rows = await db
        .selectFrom('api_keys')
        .selectAll()
        .where('prefix', 'in', [...new Set(prefixes)])
        .where('revoked_at', 'is', null)
        .execute()
      const keys = rows.map(keyOf)
      return prefixes.map((prefix) => keys.filter((key) => key.prefix === prefix))
    },
    { cache: false, maxBatchSize: PREFIXES_AT_ONCE, batchScheduleFn: setImmediate },
  )

  /** A session is worth what its user may do now, not what they might do when they signed in. */
  const sessions = () =>
    db
      .selectFrom('user_sessions')
      .innerJoin('users', 'users.id', 'user_sessions.user_id')
      .selectAll('user_sessions')
      .select('users.is_admin as is_admin')

  return {
    async countUsers(within = db) {
      const row = await within
        .selectFrom('users')
        .select((e) => e.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return Number(row.count)
    },
    async findUserByEmail(email) {
      const row = await db.selectFrom('users').selectAll().where('email', '=', email).executeTakeFirst()
      return row && userOf(row)
    },
    async findFirstAdministrator() {
      const row = await db
        .selectFrom('users')
        .selectAll()
        .where('is_admin', '=', 1)
        .orderBy('created_at')
        .orderBy('id')
        .limit(1)
        .executeTakeFirst()
      return row && userOf(row)
    },
    async insertTenant({ createdAt, ...tenant }, within) {
      await within
        .insertInto('tenants')
        .values({ ...tenant, created_at: createdAt })
        .execute()
    },
    async insertUser(user, within) {
      const row: UserRow = {
        id: user.id,
        tenant_id: user.tenantId,
        email: user.email,
        password_hash: user.passwordHash,
        is_admin: user.isAdmin ? 1 : 0,
        created_at: user.createdAt,
      }
      await within.insertInto('users').values(row).execute()
    },
    async insertSession(session) {
      const row: UserSessionRow = {
        token_hash: session.tokenHash,
        user_id: session.userId,
        tenant_id: session.tenantId,
        email: session.email,
        is_admin: session.isAdmin ? 1 : 0,
        created_at: session.createdAt,
        expires_at: session.expiresAt,
      }
      await db.insertInto('user_sessions').values(row).execute()
    },
    async findSession(tokenHash) {
      const row = await sessions().where('token_hash', '=', tokenHash).executeTakeFirst()
      return row && sessionOf(row)
    },
    findSessions: (tokenHashes) =>
      inBatches(tokenHashes, async (batch) =>
        (await sessions().where('token_hash', 'in', batch).execute()).map(sessionOf),
      ),
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
      const row: ApiKeyRow = {
        id: key.id,
        tenant_id: key.tenantId,
        prefix: key.prefix,
        key_hash: key.hash,
        env: key.env,
        label: key.label,
        revoked_at: null,
        created_at: key.createdAt,
      }
      await within.insertInto('api_keys').values(row).execute()
    },
    async listKeys({ tenantId }) {
      const rows = await db
        .selectFrom('api_keys')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('revoked_at', 'is', null)
        .orderBy('created_at')
        .orderBy('id')
        .execute()
      return rows.map(keyOf)
    },
    findKeysInForce: (ids) =>
      inBatches(ids, async (batch) => {
        const rows = await db
          .selectFrom('api_keys')
          .select('id')
          .where('id', 'in', batch)
          .where('revoked_at', 'is', null)
          .execute()
        return rows.map(({ id }) => id)
      }),
    findKeysByPrefix: (prefix) => keysByPrefix.load(prefix),
    async revokeKey({ tenantId }, id, at, within) {
      const result = await within
        .updateTable('api_keys')
        .set({ revoked_at: at })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
  }
}

const userOf = (row: UserRow): User => ({
  id: row.id,
  tenantId: row.tenant_id,
  email: row.email,
  passwordHash: row.password_hash,
  isAdmin: row.is_admin === 1,
  createdAt: row.created_at,
})

const sessionOf = (row: UserSessionRow): UserSession => ({
  tokenHash: row.token_hash,
  userId: row.user_id,
  tenantId: row.tenant_id,
  email: row.email,
  isAdmin: row.is_admin === 1,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
})

const keyOf = (row: ApiKeyRow): ApiKey => ({
  id: row.id,
  tenantId: row.tenant_id,
  prefix: row.prefix,
  hash: row.key_hash,
  env: row.env,
  label: row.label,
  createdAt: row.created_at,
})
