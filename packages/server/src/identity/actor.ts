import { Forbidden } from '../errors.ts'
import type { Queryable } from '../storage/database.ts'
import { type Caller, looksAfterInstallation } from './caller.ts'
import { isAtLeast, type Role, requirePermission } from './roles.ts'
import type { Membership } from './store.ts'

/** Who changes who may do what. */
export interface Actor {
  /** Null: a program, or somebody from outside who looks after the installation. */
  readonly userId: string | null
  /** The most they may make of others, and the most that they may change. */
  readonly role: Role
}

/**
 * What the caller is in their tenant within this transaction, which holds the lock of its members: a role that was taken away while
 * the request was under way gives nothing any more. Programs look after members as administrators do, and make no owners; keys of a
 * person are that person.
 * @throws Forbidden
 */
export async function actorWithin(
  caller: Caller,
  store: { listMemberships(userId: string, within?: Queryable): Promise<Membership[]> },
  within: Queryable,
): Promise<Actor> {
  const userId = personOf(caller)
  if (userId !== null) {
    const mine = (await store.listMemberships(userId, within)).find(({ tenantId }) => tenantId === caller.tenantId)
    if (!mine) throw new Forbidden('You are not a member of this tenant any more.', 'not_a_member')
    requirePermission(mine.role, 'administer')
    return { userId, role: mine.role }
  }
  if (caller.kind === 'token' && caller.role === 'aegis:admin') return { userId: null, role: 'admin' }
  throw new Forbidden('Only owners and administrators of the tenant may do this.', 'forbidden')
}

/** Somebody who looks after the installation may set up owners anywhere. */
export const operatorActor = (caller: Caller): Actor => {
  if (!looksAfterInstallation(caller)) throw new Forbidden('Admin role required', 'Admin role required')
  return { userId: personOf(caller), role: 'owner' }
}

/** The person behind a caller, also behind a key of theirs. */
export function personOf(caller: Caller): string | null {
  if (caller.kind === 'user') return caller.userId
  const [kind, id] = (caller.kind === 'token' && caller.key?.owner.split(':')) || []
  return kind === 'user' && id !== undefined ? id : null
}

/** @throws Forbidden when the actor is less than what they would make, or change */
export function requireReach(actor: Actor, ...touched: readonly Role[]): void {
  if (touched.some((role) => !isAtLeast(actor.role, role)))
    throw new Forbidden('Only an owner may make, change or remove an owner.', 'forbidden')
}
