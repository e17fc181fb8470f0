import type { Database, Queryable } from '../../storage/database.ts'
import { inBatches } from '../../storage/in-batches.ts'
import type { Micros } from '../../storage/instants.ts'
import type { ServiceAccountRow, TokenKeyRow } from '../../storage/schema.ts'
import type { TenantScope } from '../scope.ts'
import type { TenantStatus } from '../store.ts'

/** An RSA key that access tokens are or were signed with. */
export interface TokenKey {
  /** The `kid` of tokens signed with it. */
  readonly id: string
  /** JSON. */
  readonly publicJwk: string
  /** PKCS #8, sealed. */
  readonly sealedPrivateKey: Uint8Array
  readonly createdAt: Micros
}

/** A service account that is in force. */
export interface ServiceAccount {
  readonly id: string
  readonly tenantId: string
  readonly clientId: string
  readonly name: string
  /** SHA-256 of the client secret, hex. */
  readonly secretHash: string
  readonly role: string
  /** Null means those of the role. */
  readonly scopes: readonly string[] | null
  readonly createdBy: string
  readonly createdAt: Micros
}

/** An account as it stands, as far as its tenant does. */
export interface StandingAccount extends ServiceAccount {
  readonly tenant: { readonly slug: string; readonly status: TenantStatus }
}

/** SQL for token keys and service accounts. */
export interface AccessStore {
  listKeys(): Promise<TokenKey[]>
  /** The first key wins: of several servers starting at once, all end with the same one. */
  insertFirstKey(key: TokenKey): Promise<TokenKey>
  insertAccount(account: ServiceAccount, within: Queryable): Promise<void>
  listAccounts(scope: TenantScope): Promise<ServiceAccount[]>
  /** Not revoked, or null. */
  findAccount(clientId: string): Promise<StandingAccount | null>
  /** Of these client ids, the accounts that are not revoked, of tenants that were not deleted. */
  findAccounts(clientIds: readonly string[]): Promise<StandingAccount[]>
  revokeAccount(scope: TenantScope, id: string, at: number, within: Queryable): Promise<boolean>
  slugOf(scope: TenantScope): Promise<string | null>
  /** The tenant that is named so, unless it was deleted. */
  findTenant(slug: string): Promise<{ readonly id: string; readonly status: TenantStatus } | null>
  /** Of these tenants, the ids of the active ones. */
  activeOf(tenantIds: readonly string[]): Promise<string[]>
}

export function createAccessStore(database: Database): AccessStore {
  const { db } = database
  const standing = () =>
    db
      .selectFrom('service_accounts')
      .innerJoin('tenants', 'tenants.id', 'service_accounts.tenant_id')
      .selectAll('service_accounts')
      .select(['tenants.slug as slug', 'tenants.status as status'])
      .where('revoked_at', 'is', null)
      .where('tenants.status', '!=', 'deleted')
  const standingOf = (row: ServiceAccountRow & { slug: string; status: string }): StandingAccount => ({
    ...accountOf(row),
    tenant: { slug: row.slug, status: row.status as TenantStatus },
  })
  return {
    async listKeys() {
      const rows = await db.selectFrom('token_keys').selectAll().orderBy('created_at', 'desc').execute()
      return rows.map(keyOf)
    },
    insertFirstKey: (key) =>
      db.transaction().execute(async (within) => {
        await database.lock('token-keys', within)
        const first = await within.selectFrom('token_keys').selectAll().orderBy('created_at', 'desc').executeTakeFirst()
        if (first) return keyOf(first)
        const { id, publicJwk, sealedPrivateKey, createdAt } = key
        await within
          .insertInto('token_keys')
          .values({ id, public_jwk: publicJwk, private_key_sealed: sealedPrivateKey, created_at: createdAt })
          .execute()
        return key
      }),
    async insertAccount(account, within) {
      const row: ServiceAccountRow = {
        id: account.id,
        tenant_id: account.tenantId,
        client_id: account.clientId,
        name: account.name,
        secret_hash: account.secretHash,
        role: account.role,
        scopes: account.scopes?.join(' ') ?? null,
        created_by: account.createdBy,
        created_at: account.createdAt,
        revoked_at: null,
      }
      await within.insertInto('service_accounts').values(row).execute()
    },
    async listAccounts({ tenantId }) {
      const rows = await db
        .selectFrom('service_accounts')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('revoked_at', 'is', null)
        .orderBy('created_at', 'desc')
        .execute()
      return rows.map(accountOf)
    },
    async findTenant(slug) {
      const row = await db
        .selectFrom('tenants')
        .select(['id', 'status'])
        .where('slug', '=', slug)
        .where('status', '!=', 'deleted')
        .executeTakeFirst()
      return row ? { id: row.id, status: row.status as TenantStatus } : null
    },
    activeOf: (tenantIds) =>
      inBatches(tenantIds, async (batch) => {
        const rows = await db
          .selectFrom('tenants')
          .select('id')
          .where('id', 'in', batch)
          .where('status', '=', 'active')
          .execute()
        return rows.map(({ id }) => id)
      }),
    async findAccount(clientId) {
      const row = await standing().where('client_id', '=', clientId).executeTakeFirst()
      return row ? standingOf(row) : null
    },
    findAccounts: (clientIds) =>
      inBatches(clientIds, async (batch) => {
        const rows = await standing().where('client_id', 'in', batch).execute()
        return rows.map(standingOf)
      }),
    async revokeAccount({ tenantId }, id, at, within) {
      const result = await within
        .updateTable('service_accounts')
        .set({ revoked_at: at })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    slugOf: async ({ tenantId }) =>
      (await db.selectFrom('tenants').select('slug').where('id', '=', tenantId).executeTakeFirst())?.slug ?? null,
  }
}

const keyOf = (row: TokenKeyRow): TokenKey => ({
  id: row.id,
  publicJwk: row.public_jwk,
  sealedPrivateKey: row.private_key_sealed,
  createdAt: row.created_at,
})

const accountOf = (row: ServiceAccountRow): ServiceAccount => ({
  id: row.id,
  tenantId: row.tenant_id,
  clientId: row.client_id,
  name: row.name,
  secretHash: row.secret_hash,
  role: row.role,
  scopes: row.scopes?.split(' ') ?? null,
  createdBy: row.created_by,
  createdAt: row.created_at,
})
