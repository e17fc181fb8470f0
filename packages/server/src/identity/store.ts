import DataLoader from 'dataloader'
import { type Selectable, sql } from 'kysely'
import type { Database, Queryable } from '../storage/database.ts'
import { inBatches } from '../storage/in-batches.ts'
import type { Micros } from '../storage/instants.ts'
import type { ApiKeyRow, UserRow } from '../storage/schema.ts'
import type { KeyClient, SignatureText } from './caller.ts'
import type { Role } from './roles.ts'
import type { TenantScope } from './scope.ts'

export interface Tenant {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly createdAt: Micros
}

export type TenantStatus = 'active' | 'suspended' | 'deleted'

/** The slug of the tenant that the first set-up makes: its administrators look after the installation. */
export const FIRST_TENANT = 'default'

/** A person who may sign in. */
export interface User {
  readonly id: string
  /** Where they came in. */
  readonly tenantId: string
  readonly email: string
  /** Null: they sign in otherwise. */
  readonly passwordHash: string | null
  readonly createdAt: Micros
}

/** What somebody is in a tenant that was not deleted. */
export interface Membership {
  readonly userId: string
  readonly tenantId: string
  readonly role: Role
  readonly slug: string
  readonly tenantName: string
  readonly kind: string
  readonly status: TenantStatus
}

/** How a person proved who they are: by a password, at the server's own machine, or at a provider of the tenant. */
export type SignInMethod = 'password' | 'local' | `sso:${string}`

export interface UserSession {
  /** SHA-256 of the cookie's token. */
  readonly tokenHash: string
  readonly userId: string
  readonly tenantId: string
  readonly email: string
  readonly createdAt: Micros
  readonly expiresAt: Micros
  readonly address: string | null
  readonly userAgent: string | null
  readonly method: SignInMethod
}

/** A session, and what its person is in its tenant now. */
export interface StandingSession extends UserSession {
  readonly role: Role
  readonly slug: string
  readonly status: TenantStatus
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
  readonly client: KeyClient
  /** How signatures are written for its agents; null as the server is set. */
  readonly signature: SignatureText | null
}

/** A key as a caller shows it: in force as far as its tenant is. */
export interface PresentedKey extends ApiKey {
  readonly tenantStatus: TenantStatus
}

export interface IdentityStore {
  countUsers(within?: Queryable): Promise<number>
  /** Exactly this address. */
  findUserByEmail(email: string): Promise<User | undefined>
  /** Whom mail to this address reaches: capitals do not count, unless they tell two people apart. */
  findUserByMailbox(email: string, within?: Queryable): Promise<User | undefined>
  findUser(id: string, within?: Queryable): Promise<User | undefined>
  /** The one who has owned the first tenant the longest. */
  findFirstAdministrator(): Promise<User | undefined>
  /** Of somebody, in tenants that were not deleted, oldest first. */
  listMemberships(userId: string, within?: Queryable): Promise<Membership[]>
  insertMember(
    member: {
      readonly tenantId: string
      readonly userId: string
      readonly role: Role
      readonly joinedAt: Micros
      readonly invitedAt: Micros | null
    },
    within: Queryable,
  ): Promise<void>
  findTenant(scope: TenantScope): Promise<{ readonly name: string; readonly kind: string } | undefined>
  setPassword(userId: string, passwordHash: string, within: Queryable): Promise<void>
  insertTenant(tenant: Tenant, within: Queryable): Promise<void>
  insertUser(user: User, within: Queryable, isFirst?: boolean): Promise<void>
  insertSession(session: UserSession): Promise<void>
  findSession(tokenHash: string): Promise<StandingSession | undefined>
  findSessions(tokenHashes: readonly string[]): Promise<StandingSession[]>
  /** Those of a person that are not over, newest first. */
  listSessions(userId: string, now: Micros): Promise<StandingSession[]>
  /** The session goes on in another tenant. */
  moveSession(tokenHash: string, tenantId: string): Promise<void>
  /** Of a person: all, or all but one, or those in one tenant. */
  deleteSessionsOf(
    userId: string,
    which: { readonly except?: string; readonly inTenant?: string },
    within?: Queryable,
  ): Promise<number>
  extendSession(tokenHash: string, expiresAt: number): Promise<void>
  deleteSession(tokenHash: string): Promise<void>
  purgeSessions(before: number): Promise<void>
  insertKey(key: ApiKey, within: Queryable): Promise<void>
  listKeys(scope: TenantScope): Promise<ApiKey[]>
  /** Of these ids, those of keys that are not revoked, of tenants that are active. */
  findKeysInForce(ids: readonly string[]): Promise<string[]>
  findKeysByPrefix(prefix: string): Promise<PresentedKey[]>
  /** False when there is no such key, or it was revoked before. */
  revokeKey(scope: TenantScope, id: string, at: number, within: Queryable): Promise<boolean>
}

/** Prefixes asked for in one query. */
const PREFIXES_AT_ONCE = 100

export function createIdentityStore({ db }: Database): IdentityStore {
  // Requests that arrive in the same turn of the event loop ask together. Nothing is kept: a key that was revoked is refused.
  const keysByPrefix = new DataLoader<string, PresentedKey[]>(
    async (prefixes) => {
      const rows = await db
        .selectFrom('api_keys')
        .innerJoin('tenants', 'tenants.id', 'api_keys.tenant_id')
        .selectAll('api_keys')
        .select('tenants.status as status')
        .where('prefix', 'in', [...new Set(prefixes)])
        .where('revoked_at', 'is', null)
        .execute()
      const keys = rows.map((row) => ({ ...keyOf(row), tenantStatus: row.status as TenantStatus }))
      return prefixes.map((prefix) => keys.filter((key) => key.prefix === prefix))
    },
    { cache: false, maxBatchSize: PREFIXES_AT_ONCE, batchScheduleFn: setImmediate },
  )

  /** A session is worth what its user is in its tenant now, not what they were when they signed in. */
  const sessions = () =>
    db
      .selectFrom('user_sessions')
      .innerJoin('users', 'users.id', 'user_sessions.user_id')
      .innerJoin('members', (join) =>
        join
          .onRef('members.user_id', '=', 'user_sessions.user_id')
          .onRef('members.tenant_id', '=', 'user_sessions.tenant_id'),
      )
      .innerJoin('tenants', 'tenants.id', 'user_sessions.tenant_id')
      .where('tenants.status', '!=', 'deleted')
      .selectAll('user_sessions')
      .select(['users.email as email', 'members.role as role', 'tenants.slug as slug', 'tenants.status as status'])

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
    async findUserByMailbox(email, within = db) {
      const rows = await within
        .selectFrom('users')
        .selectAll()
        .where((where) => where.fn<string>('lower', ['email']), '=', email.toLowerCase())
        .execute()
      const row = rows.find((one) => one.email === email) ?? (rows.length === 1 ? rows[0] : undefined)
      return row && userOf(row)
    },
    async findUser(id, within = db) {
      const row = await within.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
      return row && userOf(row)
    },
    async findFirstAdministrator() {
      const row = await db
        .selectFrom('users')
        .innerJoin('members', 'members.user_id', 'users.id')
        .innerJoin('tenants', 'tenants.id', 'members.tenant_id')
        .selectAll('users')
        .where('members.role', 'in', ['owner', 'admin'])
        .where('tenants.slug', '=', FIRST_TENANT)
        .orderBy(sql`case members.role when 'owner' then 0 else 1 end`)
        .orderBy('members.joined_at')
        .orderBy('users.id')
        .limit(1)
        .executeTakeFirst()
      return row && userOf(row)
    },
    async listMemberships(userId, within = db) {
      const rows = await within
        .selectFrom('members')
        .innerJoin('tenants', 'tenants.id', 'members.tenant_id')
        .select(['members.user_id', 'members.tenant_id', 'members.role'])
        .select(['tenants.slug', 'tenants.name', 'tenants.display_name', 'tenants.kind', 'tenants.status'])
        .where('members.user_id', '=', userId)
        .where('tenants.status', '!=', 'deleted')
        .orderBy('members.joined_at')
        .orderBy('members.tenant_id')
        .execute()
      return rows.map((row) => ({
        userId: row.user_id,
        tenantId: row.tenant_id,
        role: row.role as Role,
        slug: row.slug,
        tenantName: row.display_name ?? row.name,
        kind: row.kind,
        status: row.status as TenantStatus,
      }))
    },
    async insertMember({ tenantId, userId, role, joinedAt, invitedAt }, within) {
      await within
        .insertInto('members')
        .values({ tenant_id: tenantId, user_id: userId, role, joined_at: joinedAt, invited_at: invitedAt })
        .execute()
    },
    async findTenant({ tenantId }) {
      const row = await db
        .selectFrom('tenants')
        .select(['name', 'display_name', 'kind'])
        .where('id', '=', tenantId)
        .executeTakeFirst()
      return row && { name: row.display_name ?? row.name, kind: row.kind }
    },
    async setPassword(userId, passwordHash, within) {
      await within.updateTable('users').set({ password_hash: passwordHash }).where('id', '=', userId).execute()
    },
    async insertTenant({ createdAt, ...tenant }, within) {
      await within
        .insertInto('tenants')
        .values({ ...tenant, created_at: createdAt })
        .execute()
    },
    async insertUser(user, within, isFirst = false) {
      await within
        .insertInto('users')
        .values({
          id: user.id,
          tenant_id: user.tenantId,
          email: user.email,
          password_hash: user.passwordHash ?? '',
          is_admin: isFirst ? 1 : 0,
          created_at: user.createdAt,
        })
        .execute()
    },
    async insertSession(session) {
      await db
        .insertInto('user_sessions')
        .values({
          token_hash: session.tokenHash,
          user_id: session.userId,
          tenant_id: session.tenantId,
          email: session.email,
          is_admin: 0,
          created_at: session.createdAt,
          expires_at: session.expiresAt,
          address: session.address,
          user_agent: session.userAgent,
          method: session.method,
        })
        .execute()
    },
    async findSession(tokenHash) {
      const row = await sessions().where('token_hash', '=', tokenHash).executeTakeFirst()
      return row && sessionOf(row)
    },
    findSessions: (tokenHashes) =>
      inBatches(tokenHashes, async (batch) =>
        (await sessions().where('token_hash', 'in', batch).execute()).map(sessionOf),
      ),
    async listSessions(userId, now) {
      const rows = await sessions()
        .where('user_sessions.user_id', '=', userId)
        .where('user_sessions.expires_at', '>', now)
        .orderBy('user_sessions.created_at', 'desc')
        .orderBy('user_sessions.token_hash')
        .execute()
      return rows.map(sessionOf)
    },
    async moveSession(tokenHash, tenantId) {
      await db.updateTable('user_sessions').set({ tenant_id: tenantId }).where('token_hash', '=', tokenHash).execute()
    },
    async deleteSessionsOf(userId, { except, inTenant }, within = db) {
      let query = within.deleteFrom('user_sessions').where('user_id', '=', userId)
      if (except !== undefined) query = query.where('token_hash', '!=', except)
      if (inTenant !== undefined) query = query.where('tenant_id', '=', inTenant)
      return Number((await query.executeTakeFirst()).numDeletedRows)
    },
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
        client: key.client,
        signature: key.signature,
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
          .innerJoin('tenants', 'tenants.id', 'api_keys.tenant_id')
          .select('api_keys.id')
          .where('api_keys.id', 'in', batch)
          .where('revoked_at', 'is', null)
          .where('tenants.status', '=', 'active')
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

const userOf = (row: Selectable<UserRow>): User => ({
  id: row.id,
  tenantId: row.tenant_id,
  email: row.email,
  passwordHash: row.password_hash === '' ? null : row.password_hash,
  createdAt: row.created_at,
})

const sessionOf = (row: {
  token_hash: string
  user_id: string
  tenant_id: string
  email: string
  created_at: number
  expires_at: number
  address: string | null
  user_agent: string | null
  method: string | null
  role: string
  slug: string
  status: string
}): StandingSession => ({
  tokenHash: row.token_hash,
  userId: row.user_id,
  tenantId: row.tenant_id,
  email: row.email,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  address: row.address,
  userAgent: row.user_agent,
  method: (row.method ?? 'password') as SignInMethod,
  role: row.role as Role,
  slug: row.slug,
  status: row.status as TenantStatus,
})

const keyOf = (row: ApiKeyRow): ApiKey => ({
  id: row.id,
  tenantId: row.tenant_id,
  prefix: row.prefix,
  hash: row.key_hash,
  env: row.env,
  label: row.label,
  createdAt: row.created_at,
  client: row.client as KeyClient,
  signature: row.signature as SignatureText | null,
})
