import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { Role } from '../roles.ts'
import type { TenantScope } from '../scope.ts'

/** Somebody of a tenant. */
export interface Member {
  readonly userId: string
  readonly email: string
  readonly role: Role
  readonly joinedAt: Micros
  readonly invitedAt: Micros | null
  readonly hasSecondFactor: boolean
}

export interface MemberStore {
  /** In the order in which they joined. */
  list(scope: TenantScope, within?: Queryable): Promise<Member[]>
  find(scope: TenantScope, userId: string, within?: Queryable): Promise<Member | undefined>
  setRole(scope: TenantScope, userId: string, role: Role, within: Queryable): Promise<void>
  remove(scope: TenantScope, userId: string, within: Queryable): Promise<void>
}

export function createMemberStore({ db }: Database): MemberStore {
  const members = ({ tenantId }: TenantScope, within: Queryable) =>
    within
      .selectFrom('members')
      .innerJoin('users', 'users.id', 'members.user_id')
      .select(['members.user_id', 'users.email', 'members.role', 'members.joined_at', 'members.invited_at'])
      .select('users.totp_confirmed_at')
      .where('members.tenant_id', '=', tenantId)
  return {
    async list(scope, within = db) {
      const rows = await members(scope, within).orderBy('members.joined_at').orderBy('members.user_id').execute()
      return rows.map(memberOf)
    },
    async find(scope, userId, within = db) {
      const row = await members(scope, within).where('members.user_id', '=', userId).executeTakeFirst()
      return row && memberOf(row)
    },
    async setRole({ tenantId }, userId, role, within) {
      await within
        .updateTable('members')
        .set({ role })
        .where('tenant_id', '=', tenantId)
        .where('user_id', '=', userId)
        .execute()
    },
    async remove({ tenantId }, userId, within) {
      await within.deleteFrom('members').where('tenant_id', '=', tenantId).where('user_id', '=', userId).execute()
    },
  }
}

const memberOf = (row: {
  user_id: string
  email: string
  role: string
  joined_at: number
  invited_at: number | null
  totp_confirmed_at: number | null
}): Member => ({
  userId: row.user_id,
  email: row.email,
  role: row.role as Role,
  joinedAt: row.joined_at,
  invitedAt: row.invited_at,
  hasSecondFactor: row.totp_confirmed_at !== null,
})
