import { Forbidden, NotFound, Unauthenticated } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import type { Database } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { UserCaller } from '../caller.ts'
import { isOver } from '../login.ts'
import type { AnnounceWithdrawal } from '../open-calls.ts'
import type { Passwords } from '../passwords.ts'
import type { PasswordLinkStore } from '../recovery/store.ts'
import { requireLongEnough } from '../setup.ts'
import type { IdentityStore, StandingSession } from '../store.ts'
import { limited } from '../too-often.ts'

const ID_LENGTH = 32
const ATTEMPTS = 10
const WINDOW_SECONDS = 300

const isOfProvider = ({ signedInBy }: UserCaller): boolean => signedInBy.startsWith('sso:')

/** What a tenant's provider says of a person counts in that tenant; their account is their own. @throws Forbidden */
export function requireOwnProof(caller: UserCaller): void {
  if (isOfProvider(caller))
    throw new Forbidden(
      "You signed in at the tenant's provider. Sign in with your password to change your account.",
      'sso_session',
    )
}

export interface OwnSession extends StandingSession {
  /** By which it is ended: a part of the digest that is kept, from which the cookie does not follow. */
  readonly id: string
  readonly isCurrent: boolean
}

/** What a person does with their own account. */
export interface Account {
  sessions(caller: UserCaller): Promise<OwnSession[]>
  /** Over when it returns, with its open streams. @throws NotFound */
  endSession(caller: UserCaller, id: string): Promise<void>
  /** All but the one that asks. */
  endOthers(caller: UserCaller): Promise<number>
  /** Every other session ends, and links for a new password open nothing any more. @throws Unauthenticated for a wrong present one, InvalidInput, TooManyRequests */
  changePassword(caller: UserCaller, present: string, next: string): Promise<void>
}

export function createAccount(deps: {
  database: Database
  store: IdentityStore
  passwordLinkStore: PasswordLinkStore
  passwords: Passwords
  limiter: RateLimiter
  clock: Clock
  announceWithdrawal: AnnounceWithdrawal
}): Account {
  const { database, store, passwordLinkStore, passwords, limiter, clock, announceWithdrawal } = deps

  async function sessions(caller: UserCaller): Promise<OwnSession[]> {
    const now = microsOf(clock.now())
    const found = await store.listSessions(caller.userId, now)
    return found
      .filter((session) => !isOver(session, now) && (!isOfProvider(caller) || session.tenantId === caller.tenantId))
      .map((session) => ({
        ...session,
        id: session.tokenHash.slice(0, ID_LENGTH),
        isCurrent: session.tokenHash === caller.sessionDigest,
      }))
  }

  return {
    sessions,
    async endSession(caller, id) {
      const session = (await sessions(caller)).find((one) => one.id === id)
      if (!session) throw new NotFound('You have no session with this id.')
      await store.deleteSession(session.tokenHash)
      announceWithdrawal()
    },
    async endOthers(caller) {
      requireOwnProof(caller)
      const ended = await store.deleteSessionsOf(caller.userId, { except: caller.sessionDigest })
      announceWithdrawal()
      return ended
    },
    async changePassword(caller, present, next) {
      requireOwnProof(caller)
      await limited(limiter, `change-password:${caller.userId}`, ATTEMPTS, WINDOW_SECONDS)
      const user = await store.findUser(caller.userId)
      if (!user || !(await passwords.verify(present, user.passwordHash ?? undefined)))
        throw new Unauthenticated('The present password is wrong.', 'wrong_password')
      requireLongEnough(next)
      const passwordHash = await passwords.hash(next)
      await database.db.transaction().execute(async (within) => {
        await store.setPassword(user.id, passwordHash, within)
        await passwordLinkStore.withdraw(user.id, within)
        await store.deleteSessionsOf(user.id, { except: caller.sessionDigest }, within)
      })
      announceWithdrawal()
    },
  }
}
