import type { Database } from '../../storage/database.ts'
import { inBatches } from '../../storage/in-batches.ts'
import type { Micros } from '../../storage/instants.ts'
import type { RuntimeKeyRow } from '../../storage/schema.ts'
import type { Role } from '../roles.ts'
import type { TenantScope } from '../scope.ts'
import type { TenantStatus } from '../store.ts'

/** Whose key it is: a person by the id of the user, a program by the client id of its account. */
export interface KeyOwner {
  readonly kind: 'user' | 'service_account'
  readonly id: string
}

/** An API key of the runtime API that was not revoked. */
export interface RuntimeKey {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  /** SHA-256 of the key, hex. */
  readonly hash: string
  readonly scopes: readonly string[]
  /** The owner's when it was made; it gives no more than the owner has now. */
  readonly role: string
  readonly owner: KeyOwner
  readonly createdAt: Micros
  /** Null: never. */
  readonly expiresAt: Micros | null
  readonly lastUsedAt: Micros | null
}

/** A person in one of their tenants. */
export interface KeyHolder {
  readonly id: string
  readonly tenantId: string
  readonly email: string
  readonly role: Role
  readonly tenant: { readonly slug: string; readonly status: TenantStatus }
}

export interface RuntimeKeyStore {
  insert(key: RuntimeKey): Promise<void>
  /** Oldest first, expired ones too. */
  list(scope: TenantScope, owner: KeyOwner): Promise<RuntimeKey[]>
  findByHash(hash: string): Promise<RuntimeKey | null>
  /** Of these ids, the ones that were not revoked. */
  findMany(ids: readonly string[]): Promise<RuntimeKey[]>
  /** False when there is none of this owner, or it was revoked before. */
  revoke(scope: TenantScope, owner: KeyOwner, id: string, at: Micros): Promise<boolean>
  used(id: string, at: Micros): Promise<void>
  /** What people are now, in each tenant of theirs that was not deleted. */
  findMembers(ids: readonly string[]): Promise<KeyHolder[]>
}

export function createRuntimeKeyStore({ db }: Database): RuntimeKeyStore {
  const inForce = () => db.selectFrom('runtime_keys').selectAll().where('revoked_at', 'is', null)
  return {
    async insert(key) {
      await db.insertInto('runtime_keys').values(rowOf(key)).execute()
    },
    async list({ tenantId }, owner) {
      const rows = await inForce()
        .where('tenant_id', '=', tenantId)
        .where('owner_kind', '=', owner.kind)
        .where('owner_id', '=', owner.id)
        .orderBy('created_at')
        .orderBy('id')
        .execute()
      return rows.map(keyOf)
    },
    async findByHash(hash) {
      const row = await inForce().where('key_hash', '=', hash).executeTakeFirst()
      return row ? keyOf(row) : null
    },
    findMany: (ids) => inBatches(ids, async (batch) => (await inForce().where('id', 'in', batch).execute()).map(keyOf)),
    async revoke({ tenantId }, owner, id, at) {
      const result = await db
        .updateTable('runtime_keys')
        .set({ revoked_at: at })
        .where('tenant_id', '=', tenantId)
        .where('owner_kind', '=', owner.kind)
        .where('owner_id', '=', owner.id)
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    async used(id, at) {
      await db.updateTable('runtime_keys').set({ last_used_at: at }).where('id', '=', id).execute()
    },
    findMembers: (ids) =>
      inBatches(ids, async (batch) => {
        const rows = await db
          .selectFrom('users')
          .innerJoin('members', 'members.user_id', 'users.id')
          .innerJoin('tenants', 'tenants.id', 'members.tenant_id')
          .select(['users.id', 'users.email', 'members.tenant_id', 'members.role', 'tenants.slug', 'tenants.status'])
          .where('users.id', 'in', batch)
          .where('tenants.status', '!=', 'deleted')
          .execute()
        return rows.map((row) => ({
          id: row.id,
          tenantId: row.tenant_id,
          email: row.email,
          role: row.role as Role,
          tenant: { slug: row.slug, status: row.status as TenantStatus },
        }))
      }),
  }
}

const rowOf = (key: RuntimeKey): RuntimeKeyRow => ({
  id: key.id,
  tenant_id: key.tenantId,
  name: key.name,
  key_hash: key.hash,
  scopes: key.scopes.join(' '),
  role: key.role,
  owner_kind: key.owner.kind,
  owner_id: key.owner.id,
  created_at: key.createdAt,
  expires_at: key.expiresAt,
  last_used_at: key.lastUsedAt,
  revoked_at: null,
})

const keyOf = (row: RuntimeKeyRow): RuntimeKey => ({
  id: row.id,
  tenantId: row.tenant_id,
  name: row.name,
  hash: row.key_hash,
  scopes: row.scopes.split(' ').filter((scope) => scope !== ''),
  role: row.role,
  owner: { kind: row.owner_kind as KeyOwner['kind'], id: row.owner_id },
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  lastUsedAt: row.last_used_at,
})
