import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { InvitationRow } from '../../storage/schema.ts'
import type { Role } from '../roles.ts'
import type { TenantScope } from '../scope.ts'
import type { TenantStatus } from '../store.ts'

export interface Invitation {
  readonly id: string
  readonly tenantId: string
  readonly email: string
  readonly role: Role
  readonly invitedBy: string
  readonly createdAt: Micros
  readonly expiresAt: Micros
  /** When it was accepted or taken back. */
  readonly closedAt: Micros | null
  /** Id of the user. */
  readonly acceptedBy: string | null
}

/** As the one who holds its link sees it. */
export interface HeldInvitation extends Invitation {
  readonly tenant: { readonly name: string; readonly status: TenantStatus; readonly slug: string }
}

export interface InvitationStore {
  insert(invitation: Invitation, tokenHash: string, within: Queryable): Promise<void>
  /** Those that were neither accepted nor taken back, newest first. */
  listOpen(scope: TenantScope, within?: Queryable): Promise<Invitation[]>
  findByToken(tokenHash: string, within?: Queryable): Promise<HeldInvitation | undefined>
  /** False when it is not the tenant's, or was closed before. @param acceptedBy null: it is taken back */
  close(scope: TenantScope, id: string, at: Micros, acceptedBy: string | null, within: Queryable): Promise<boolean>
}

export function createInvitationStore({ db }: Database): InvitationStore {
  return {
    async insert(invitation, tokenHash, within) {
      await within
        .insertInto('invitations')
        .values({
          id: invitation.id,
          tenant_id: invitation.tenantId,
          email: invitation.email,
          role: invitation.role,
          token_hash: tokenHash,
          invited_by: invitation.invitedBy,
          created_at: invitation.createdAt,
          expires_at: invitation.expiresAt,
          closed_at: null,
          accepted_by: null,
        })
        .execute()
    },
    async listOpen({ tenantId }, within = db) {
      const rows = await within
        .selectFrom('invitations')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('closed_at', 'is', null)
        .orderBy('created_at', 'desc')
        .orderBy('id')
        .execute()
      return rows.map(invitationOf)
    },
    async findByToken(tokenHash, within = db) {
      const row = await within
        .selectFrom('invitations')
        .innerJoin('tenants', 'tenants.id', 'invitations.tenant_id')
        .selectAll('invitations')
        .select(['tenants.name', 'tenants.display_name', 'tenants.status', 'tenants.slug'])
        .where('token_hash', '=', tokenHash)
        .executeTakeFirst()
      return (
        row && {
          ...invitationOf(row),
          tenant: { name: row.display_name ?? row.name, status: row.status as TenantStatus, slug: row.slug },
        }
      )
    },
    async close({ tenantId }, id, at, acceptedBy, within) {
      const result = await within
        .updateTable('invitations')
        .set({ closed_at: at, accepted_by: acceptedBy })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .where('closed_at', 'is', null)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
  }
}

const invitationOf = (row: InvitationRow): Invitation => ({
  id: row.id,
  tenantId: row.tenant_id,
  email: row.email,
  role: row.role as Role,
  invitedBy: row.invited_by,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  closedAt: row.closed_at,
  acceptedBy: row.accepted_by,
})
