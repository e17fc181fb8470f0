import { TooManyRequests, Unauthenticated } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { RateLimiter } from '../ports/rate-limiter.ts'
import { type Micros, microsOf } from '../storage/instants.ts'
import type { UserCaller } from './caller.ts'
import { digestOf } from './opaque-tokens.ts'
import type { AnnounceWithdrawal } from './open-calls.ts'
import type { Passwords } from './passwords.ts'
import type { IdentityStore, User, UserSession } from './store.ts'

export const SESSION_COOKIE = 'edictum_session'
const LONGEST_SESSION_MS = 7 * 24 * 3_600_000
/** A session's end is moved at most this often, so that reading does not write on every request. */
const EXTEND_AFTER_MS = 60_000

export interface Login {
  /** A new session's token. @throws Unauthenticated, TooManyRequests. */
  login(input: { email: string; password: string; address: string }): Promise<string>
  /** A new session for a user whose identity was proven otherwise. */
  open(user: User): Promise<string>
  logout(token: string): Promise<void>
  /** Who a cookie stands for; its life is extended. @throws Unauthenticated. */
  authenticate(token: string | undefined): Promise<UserCaller>
}

export function createLogin(deps: {
  store: IdentityStore
  passwords: Passwords
  clock: Clock
  random: Random
  limiter: RateLimiter
  attempts: number
  windowSeconds: number
  ttlHours: number
  announceWithdrawal: AnnounceWithdrawal
}): Login {
  const { store, passwords, clock, random, limiter, attempts, windowSeconds, announceWithdrawal } = deps
  const ttl = deps.ttlHours * 3_600_000
  async function open(user: User): Promise<string> {
    const token = Buffer.from(random.bytes(32)).toString('base64url')
    const now = clock.now()
    await store.insertSession({
      tokenHash: digestOf(token),
      userId: user.id,
      tenantId: user.tenantId,
      email: user.email,
      isAdmin: user.isAdmin,
      createdAt: microsOf(now),
      expiresAt: microsOf(now + ttl),
    })
    return token
  }

  return {
    async login({ email, password, address }) {
      const verdict = await limiter.hit(`login:${address}`, attempts, windowSeconds)
      if (!verdict.allowed)
        throw new TooManyRequests('Too many login attempts. Please try again later.', verdict.retryAfter)
      const user = await store.findUserByEmail(email)
      const matches = await passwords.verify(password, user?.passwordHash)
      if (!user || !matches) throw new Unauthenticated('Invalid email or password.')
      return open(user)
    },
    open,
    async logout(token) {
      await store.deleteSession(digestOf(token))
      announceWithdrawal()
    },
    async authenticate(token) {
      if (!token) throw new Unauthenticated('Not authenticated.')
      const hash = digestOf(token)
      const session = await store.findSession(hash)
      const now = clock.now()
      if (!session || session.expiresAt <= microsOf(now)) throw new Unauthenticated('Session expired or invalid.')
      if (isOver(session, microsOf(now))) {
        await store.deleteSession(hash)
        throw new Unauthenticated('Session expired. Please log in again.')
      }
      const expiresAt = microsOf(now + ttl)
      if (expiresAt - session.expiresAt > EXTEND_AFTER_MS * 1000) await store.extendSession(hash, expiresAt)
      return {
        kind: 'user',
        userId: session.userId,
        tenantId: session.tenantId,
        email: session.email,
        isAdmin: session.isAdmin,
        sessionDigest: hash,
      }
    },
  }
}

/** Whether a session's time is up, however it was used. */
export const isOver = ({ createdAt, expiresAt }: UserSession, now: Micros): boolean =>
  expiresAt <= now || createdAt + microsOf(LONGEST_SESSION_MS) <= now
