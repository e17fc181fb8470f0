import { BadRequest, Forbidden } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { type Database, isUniqueViolation } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { membersLock } from '../members/members.ts'
import type { MemberStore } from '../members/store.ts'
import type { Role } from '../roles.ts'
import type { TenantScope } from '../scope.ts'
import type { IdentityStore } from '../store.ts'
import type { SsoStore } from './store.ts'

/** What a provider says of somebody, proven. */
export interface ProvenPerson {
  /** Who says it, unique over all kinds of providers of a tenant. */
  readonly issuer: string
  readonly subject: string
  /** An address that the provider vouches for; null: it vouches for none. */
  readonly email: string | null
}

/** What somebody becomes of whom the provider is the first to tell; null: only who was invited comes in. */
export type NewMembers = Extract<Role, 'viewer' | 'member'> | null

/** The provider, or what came back from it, is not what was expected: the message says what. */
export class SignInRefused extends BadRequest {
  constructor(message: string) {
    super(message, 'sign_in_refused')
  }
}

export interface Linking {
  /**
   * Id of the user who somebody of the provider is here: known already, invited, or new where new ones are welcome.
   * @param said where the provider says addresses that it vouches for
   * @throws SignInRefused, Forbidden
   */
  personOf(scope: TenantScope, person: ProvenPerson, newMembers: NewMembers, said: string): Promise<string>
}

export function createLinking(deps: {
  database: Database
  store: IdentityStore
  ssoStore: SsoStore
  memberStore: MemberStore
  clock: Clock
  random: Random
}): Linking {
  const { database, store, ssoStore, memberStore, clock, random } = deps
  return {
    async personOf(scope, { issuer, subject, email }, newMembers, said) {
      const known = await ssoStore.findIdentity(scope, issuer, subject)
      if (known !== null) {
        if (await memberStore.find(scope, known)) return known
        throw new Forbidden('You are not a member of this tenant any more.', 'not_a_member')
      }
      if (email === null)
        throw new SignInRefused(`The provider does not vouch for an e-mail address of yours (${said}).`)
      const at = microsOf(clock.now())
      return database.db
        .transaction()
        .execute(async (within) => {
          await database.lock(membersLock(scope), within)
          const member = (await memberStore.list(scope, within)).find(
            (one) => one.email.toLowerCase() === email.toLowerCase(),
          )
          if (member) {
            await ssoStore.link(scope, { issuer, subject, userId: member.userId, at }, within)
            return member.userId
          }
          if (newMembers === null)
            throw new Forbidden(
              `${email} is not a member of this tenant. Ask an administrator to invite you.`,
              'not_a_member',
            )
          const userId = random.uuid()
          // Somebody who has an account here already is not taken over by what a provider says: they accept an invitation.
          if (await store.findUserByMailbox(email, within)) throw accountExists(email)
          await store.insertUser({ ...scope, id: userId, email, passwordHash: null, createdAt: at }, within)
          await store.insertMember({ ...scope, userId, role: newMembers, joinedAt: at, invitedAt: null }, within)
          await ssoStore.link(scope, { issuer, subject, userId, at }, within)
          return userId
        })
        .catch((error: unknown) => {
          throw isUniqueViolation(error) ? accountExists(email) : error
        })
    },
  }
}

const accountExists = (email: string) =>
  new Forbidden(
    `There is an account ${email} already, which is no member of this tenant. Ask an administrator to invite it, and accept with its password.`,
    'account_exists',
  )
