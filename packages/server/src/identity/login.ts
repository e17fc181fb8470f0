import { TooManyRequests, Unauthenticated } from '../errors.ts'
import type { UserCaller } from '../http/caller.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { RateLimiter } from '../ports/rate-limiter.ts'
import { microsOf } from '../storage/instants.ts'
import type { UserRow } from '../storage/schema.ts'
import type { Passwords } from './passwords.ts'
import type { IdentityStore } from './store.ts'
import { digestOf } from './tokens.ts'

export const SESSION_COOKIE = 'edictum_session'
const LONGEST_SESSION_MS = 7 * 24 * 3_600_000
/** A session's end is moved at most this often, so that reading does not write on every request. */
const EXTEND_AFTER_MS = 60_000

export interface Login {
  /** A new session's token. @throws Unauthenticated, TooManyRequests. */
  login(input: { email: string; password: string; address: string }): Promise<string>
  /** A new session for a user whose identity was proven otherwise. */
  open(user: UserRow): Promise<string>
  logout(token: string): Promise<void>
  /** Who a cookie stands for; its life is extended. @throws Unauthenticated. */
  authenticate(token: string | undefined): Promise<UserCaller>
}

export function login(deps: {
  store: IdentityStore
  passwords: Passwords
  clock: Clock
  random: Random
  limiter: RateLimiter
  attempts: number
  windowSeconds: number
  ttlHours: number
}): Login {
  const { store, passwords, clock, random, limiter, attempts, windowSeconds } = deps
  const ttl = deps.ttlHours * 3_600_000
  async function open(user: UserRow): Promise<string> {
    const token = Buffer.from(random.bytes(32)).toString('base64url')
    const now = clock.now()
    await store.insertSession({
      token_hash: digestOf(token),
      user_id: user.id,
      tenant_id: user.tenant_id,
      email: user.email,
      is_admin: user.is_admin,
      created_at: microsOf(now),
      expires_at: microsOf(now + ttl),
    })
    return token
  }

  return {
    async login({ email, password, address }) {
      const verdict = await limiter.hit(`login:${address}`, attempts, windowSeconds)
      if (!verdict.allowed)
        throw new TooManyRequests('Too many login attempts. Please try again later.', verdict.retryAfter)
      const user = await store.findUserByEmail(email)
      const matches = await passwords.verify(password, user?.password_hash)
      if (!user || !matches) throw new Unauthenticated('Invalid email or password.')
      return open(user)
    },
    open,
    logout: (token) => store.deleteSession(digestOf(token)),
    async authenticate(token) {
      if (!token) throw new Unauthenticated('Not authenticated.')
      const hash = digestOf(token)
      const session = await store.findSession(hash)
      const now = clock.now()
      if (!session || session.expires_at <= microsOf(now)) throw new Unauthenticated('Session expired or invalid.')
      if (session.created_at + LONGEST_SESSION_MS * 1000 <= microsOf(now)) {
        await store.deleteSession(hash)
        throw new Unauthenticated('Session expired. Please log in again.')
      }
      const expiresAt = microsOf(now + ttl)
      if (expiresAt - session.expires_at > EXTEND_AFTER_MS * 1000) await store.extendSession(hash, expiresAt)
      return {
        kind: 'user',
        userId: session.user_id,
        tenantId: session.tenant_id,
        email: session.email,
        isAdmin: session.is_admin === 1,
      }
    },
  }
}
