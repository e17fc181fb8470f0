import { Conflict, InvalidInput } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Database, Queryable } from '../storage/database.ts'
import { microsOf } from '../storage/instants.ts'
import type { Passwords } from './passwords.ts'
import { scopeOfRecord, type TenantScope } from './scope.ts'
import { FIRST_TENANT, type IdentityStore } from './store.ts'

export const SHORTEST_PASSWORD = 12

/** @throws InvalidInput */
export function requireLongEnough(password: string): void {
  if ([...password].length >= SHORTEST_PASSWORD) return
  throw new InvalidInput([
    { loc: ['body', 'password'], msg: `Value error, Password must be at least ${SHORTEST_PASSWORD} characters` },
  ])
}

/** What else a new tenant needs (its signing key), in the same transaction. */
export type TenantFounded = (scope: TenantScope, within: Queryable) => Promise<void>

export interface Setup {
  /** Create the first tenant and administrator. @throws Conflict when any user exists, InvalidInput for a short password. */
  createFirstAdministrator(input: {
    email: string
    password: string
    tenantName: string
  }): Promise<{ userId: string; tenantId: string }>
  /** Whether there is a user. Remembered once true: users are never all deleted. */
  isComplete(): Promise<boolean>
}

export function createSetup(deps: {
  database: Database
  store: IdentityStore
  passwords: Passwords
  clock: Clock
  random: Random
  tenantFounded: TenantFounded
}): Setup {
  const { database, store, passwords, clock, random, tenantFounded } = deps
  let complete = false
  return {
    async createFirstAdministrator({ email, password, tenantName }) {
      requireLongEnough(password)
      const passwordHash = await passwords.hash(password)
      return database.db.transaction().execute(async (within) => {
        await database.lock('setup', within)
        if ((await store.countUsers(within)) > 0) throw new Conflict('Server is already set up.')
        const createdAt = microsOf(clock.now())
        const tenantId = random.uuid()
        const userId = random.uuid()
        await store.insertTenant({ id: tenantId, slug: FIRST_TENANT, name: tenantName, createdAt }, within)
        await store.insertUser({ id: userId, tenantId, email, passwordHash, createdAt }, within, true)
        await store.insertMember({ tenantId, userId, role: 'owner', joinedAt: createdAt, invitedAt: null }, within)
        await tenantFounded(scopeOfRecord({ tenantId }), within)
        return { userId, tenantId }
      })
    },
    async isComplete() {
      complete ||= (await store.countUsers()) > 0
      return complete
    },
  }
}
