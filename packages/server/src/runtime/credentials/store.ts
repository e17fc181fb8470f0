import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { CredentialGrantRow, CredentialRow } from '../../storage/schema.ts'
import type { Credential, CredentialChange, CredentialGrant, GrantTarget } from './credential.ts'

/** SQL for credentials and their grants. */
export interface CredentialStore {
  insert(credential: Credential, within: Queryable): Promise<void>
  find(scope: TenantScope, id: string): Promise<Credential | null>
  /** Not revoked, by id or by label. */
  findNamed(scope: TenantScope, name: string): Promise<Credential[]>
  /** Not revoked, oldest first. */
  list(scope: TenantScope): Promise<Credential[]>
  /** False when there is none, or it was revoked. */
  update(scope: TenantScope, id: string, change: CredentialChange, within?: Queryable): Promise<boolean>
  /** Revoke it and take all its grants away. */
  revoke(scope: TenantScope, id: string, at: number, within: Queryable): Promise<void>
  insertGrant(grant: CredentialGrant, within: Queryable): Promise<void>
  /** Oldest first. */
  listGrants(scope: TenantScope, credentialIds: readonly string[]): Promise<CredentialGrant[]>
  /** False when there is none. */
  deleteGrant(scope: TenantScope, credentialId: string, id: string, within: Queryable): Promise<boolean>
}

export function createCredentialStore({ db }: Database): CredentialStore {
  const own = ({ tenantId }: TenantScope, within: Queryable = db) =>
    within.selectFrom('credentials').selectAll().where('tenant_id', '=', tenantId)
  return {
    async insert(credential, within) {
      await within.insertInto('credentials').values(rowOf(credential)).execute()
    },
    async find(scope, id) {
      const row = await own(scope).where('id', '=', id).executeTakeFirst()
      return row ? credentialOf(row) : null
    },
    async findNamed(scope, name) {
      const rows = await own(scope)
        .where((e) => e.or([e('id', '=', name), e('label', '=', name)]))
        .where('status', '!=', 'revoked')
        .execute()
      return rows.map(credentialOf)
    },
    async list(scope) {
      const rows = await own(scope).where('status', '!=', 'revoked').orderBy('created_at').orderBy('id').execute()
      return rows.map(credentialOf)
    },
    async update({ tenantId }, id, { status, scopes, updatedAt, lastUsedAt }, within = db) {
      const result = await within
        .updateTable('credentials')
        .set({
          id,
          ...(status === undefined ? {} : { status }),
          ...(scopes === undefined ? {} : { scopes: JSON.stringify(scopes) }),
          ...(updatedAt === undefined ? {} : { updated_at: updatedAt }),
          ...(lastUsedAt === undefined ? {} : { last_used_at: lastUsedAt }),
        })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .where('status', '!=', 'revoked')
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    async revoke({ tenantId }, id, at, within) {
      await within
        .updateTable('credentials')
        .set({ status: 'revoked', updated_at: at })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .execute()
      await within
        .deleteFrom('credential_grants')
        .where('tenant_id', '=', tenantId)
        .where('credential_id', '=', id)
        .execute()
    },
    async insertGrant(grant, within) {
      await within.insertInto('credential_grants').values(grantRowOf(grant)).execute()
    },
    async listGrants({ tenantId }, credentialIds) {
      if (credentialIds.length === 0) return []
      const rows = await db
        .selectFrom('credential_grants')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('credential_id', 'in', credentialIds)
        .orderBy('created_at')
        .orderBy('id')
        .execute()
      return rows.map(grantOf)
    },
    async deleteGrant({ tenantId }, credentialId, id, within) {
      const result = await within
        .deleteFrom('credential_grants')
        .where('tenant_id', '=', tenantId)
        .where('credential_id', '=', credentialId)
        .where('id', '=', id)
        .executeTakeFirst()
      return Number(result.numDeletedRows) === 1
    },
  }
}

const rowOf = (credential: Credential): CredentialRow => ({
  id: credential.id,
  tenant_id: credential.tenantId,
  owner_id: credential.ownerId,
  label: credential.label,
  provider: credential.provider,
  credential_type: credential.type,
  scope: credential.scope,
  status: credential.status,
  scopes: JSON.stringify(credential.scopes),
  metadata: JSON.stringify(credential.metadata),
  created_at: credential.createdAt,
  updated_at: credential.updatedAt,
  last_used_at: credential.lastUsedAt,
})

const credentialOf = (row: CredentialRow): Credential => ({
  id: row.id,
  tenantId: row.tenant_id,
  ownerId: row.owner_id,
  label: row.label,
  provider: row.provider,
  type: row.credential_type as Credential['type'],
  scope: row.scope,
  status: row.status as Credential['status'],
  scopes: JSON.parse(row.scopes) as string[],
  metadata: JSON.parse(row.metadata) as Record<string, unknown>,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  lastUsedAt: row.last_used_at,
})

const grantRowOf = (grant: CredentialGrant): CredentialGrantRow => ({
  id: grant.id,
  tenant_id: grant.tenantId,
  credential_id: grant.credentialId,
  target_type: grant.target.type,
  target_value: grant.target.value,
  permission_type: grant.permissionType,
  granted_by: grant.grantedBy,
  created_at: grant.createdAt,
})

const grantOf = (row: CredentialGrantRow): CredentialGrant => ({
  id: row.id,
  tenantId: row.tenant_id,
  credentialId: row.credential_id,
  target: { type: row.target_type, value: row.target_value } as GrantTarget,
  permissionType: row.permission_type,
  grantedBy: row.granted_by,
  createdAt: row.created_at,
})
