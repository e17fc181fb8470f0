import { Conflict, NotFound } from '../../errors.ts'
import type { Database } from '../../storage/database.ts'
import { type Actor, actorWithin, requireReach } from '../actor.ts'
import type { Caller, UserCaller } from '../caller.ts'
import type { AnnounceWithdrawal } from '../open-calls.ts'
import type { Role } from '../roles.ts'
import { scopeOf, type TenantScope } from '../scope.ts'
import type { IdentityStore } from '../store.ts'
import type { Member, MemberStore } from './store.ts'

/** Who changes the members of a tenant holds this lock: an owner who goes is judged with all others in view. */
export const membersLock = ({ tenantId }: TenantScope): string => `members:${tenantId}`

const NOT_FOUND = 'Nobody with this id is a member of the tenant.'

/** The people of a tenant. */
export interface Members {
  list(caller: Caller): Promise<Member[]>
  /** In force when it returns, for whatever they do next. @throws NotFound, Forbidden, Conflict for the last owner */
  setRole(caller: Caller, userId: string, role: Role): Promise<Member>
  /** With their sessions in this tenant and their keys. @throws NotFound, Forbidden, Conflict for the last owner */
  remove(caller: Caller, userId: string): Promise<void>
  /** The caller goes. @throws Conflict for the last owner */
  leave(caller: UserCaller): Promise<void>
}

export function createMembers(deps: {
  database: Database
  store: IdentityStore
  memberStore: MemberStore
  announceWithdrawal: AnnounceWithdrawal
}): Members {
  const { database, store, memberStore, announceWithdrawal } = deps

  return {
    list: (caller) => memberStore.list(scopeOf(caller)),
    setRole: (caller, userId, role) => changed(caller, userId, role),
    async remove(caller, userId) {
      await changed(caller, userId, null)
    },
    async leave(caller) {
      await changed(caller, caller.userId, null)
    },
  }

  /** @param role the one that they get; null: they are a member no longer */
  async function changed(caller: Caller, userId: string, role: Role | null): Promise<Member> {
    const scope = scopeOf(caller)
    const member = await database.db.transaction().execute(async (within) => {
      await database.lock(membersLock(scope), within)
      const members = await memberStore.list(scope, within)
      const found = members.find((one) => one.userId === userId)
      const goesByThemselves = role === null && caller.kind === 'user' && caller.userId === userId
      const actor: Actor | null = goesByThemselves ? null : await actorWithin(caller, store, within)
      if (!found) throw new NotFound(NOT_FOUND)
      if (actor) requireReach(actor, found.role, ...(role ? [role] : []))
      if (found.role === 'owner' && role !== 'owner' && !members.some((one) => one.role === 'owner' && one !== found))
        throw new Conflict('This is the last owner of the tenant. Make somebody else an owner first.', 'last_owner')
      if (role === null) {
        await memberStore.remove(scope, userId, within)
        await store.deleteSessionsOf(userId, { inTenant: scope.tenantId }, within)
      } else await memberStore.setRole(scope, userId, role, within)
      return { ...found, role: role ?? found.role }
    })
    announceWithdrawal()
    return member
  }
}
