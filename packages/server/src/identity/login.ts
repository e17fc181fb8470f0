import { Forbidden, TooManyRequests, Unauthenticated } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { RateLimiter } from '../ports/rate-limiter.ts'
import { type Micros, microsOf } from '../storage/instants.ts'
import type { UserCaller } from './caller.ts'
import { digestOf } from './opaque-tokens.ts'
import type { AnnounceWithdrawal } from './open-calls.ts'
import type { Passwords } from './passwords.ts'
import { isAtLeast } from './roles.ts'
import type { SecondFactor } from './second-factor/second-factor.ts'
import {
  FIRST_TENANT,
  type IdentityStore,
  type Membership,
  type SignInMethod,
  type User,
  type UserSession,
} from './store.ts'
import { requireActive } from './suspension.ts'
import { CONSOLE_REALM, type IdentityTelling } from './telling.ts'

export const SESSION_COOKIE = 'edictum_session'
const LONGEST_SESSION_MS = 7 * 24 * 3_600_000
/** A session's end is moved at most this often, so that reading does not write on every request. */
const EXTEND_AFTER_MS = 60_000

export interface Login {
  /** A new session's token. @throws Unauthenticated, TooManyRequests. */
  login(input: { email: string; password: string; code: string | null; device: Device }): Promise<string>
  /** The account that these credentials belong to, with its second factor. @throws Unauthenticated, TooManyRequests */
  prove(input: { email: string; password: string; code: string | null; device: Device }): Promise<User>
  /**
   * A new session for a user whose identity was proven otherwise.
   * @param tenantId absent: where they came in, or else the first of their tenants that is active
   * @throws Forbidden for somebody who is no member of any tenant
   */
  open(
    user: Pick<User, 'id' | 'tenantId' | 'email'>,
    proof: { readonly method: SignInMethod; readonly device: Device; readonly tenantId?: string },
  ): Promise<string>
  logout(token: string): Promise<void>
  /**
   * Who a cookie stands for; its life is extended.
   * @param whileSuspended also when the tenant is suspended
   * @throws Unauthenticated, Forbidden
   */
  authenticate(token: string | undefined, whileSuspended: boolean): Promise<UserCaller>
}

/** Where somebody signs in from, as they are shown their sessions. */
export interface Device {
  readonly address: string
  readonly userAgent: string | null
}

const LONGEST_USER_AGENT = 300

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
  telling: Pick<IdentityTelling, 'tell' | 'refused'>
  secondFactor: Pick<SecondFactor, 'require'>
}): Login {
  const { store, passwords, clock, random, limiter, attempts, windowSeconds } = deps
  const { announceWithdrawal, telling, secondFactor } = deps
  const ttl = deps.ttlHours * 3_600_000

  /** Where they come in: the tenant that is asked for, where they came in before, or else the first that is active. */
  async function membershipOf(user: Pick<User, 'id' | 'tenantId'>, asked: string | undefined): Promise<Membership> {
    const memberships = await store.listMemberships(user.id)
    const active = memberships.filter(({ status }) => status === 'active')
    const chosen =
      asked === undefined
        ? (active.find(({ tenantId }) => tenantId === user.tenantId) ?? active[0] ?? memberships[0])
        : memberships.find(({ tenantId }) => tenantId === asked)
    if (!chosen)
      throw new Forbidden(
        'You are not a member of any tenant any more. Ask an administrator to invite you.',
        'no_tenant',
      )
    return chosen
  }

  const open: Login['open'] = async (user, { method, device, tenantId }) => {
    const token = Buffer.from(random.bytes(32)).toString('base64url')
    const now = clock.now()
    const membership = await membershipOf(user, tenantId)
    await store.insertSession({
      tokenHash: digestOf(token),
      userId: user.id,
      tenantId: membership.tenantId,
      email: user.email,
      createdAt: microsOf(now),
      expiresAt: microsOf(now + ttl),
      address: device.address,
      userAgent: device.userAgent?.replace(/\p{C}/gu, '').slice(0, LONGEST_USER_AGENT) ?? null,
      method,
    })
    await telling.tell({
      kind: 'authenticated',
      tenantId: membership.tenantId,
      subject: user.id,
      realm: CONSOLE_REALM,
      identity: isAtLeast(membership.role, 'admin') ? 'operator' : 'tenant_user',
    })
    return token
  }

  const prove: Login['prove'] = async ({ email, password, code, device }) => {
    const verdict = await limiter.hit(`login:${device.address}`, attempts, windowSeconds)
    if (!verdict.allowed)
      throw new TooManyRequests('Too many login attempts. Please try again later.', verdict.retryAfter)
    const user = await store.findUserByEmail(email)
    const matches = await passwords.verify(password, user?.passwordHash ?? undefined)
    if (user && !matches)
      telling.refused({
        kind: 'refused',
        tenantId: user.tenantId,
        subject: user.id,
        realm: CONSOLE_REALM,
        reason: 'invalid_password',
      })
    if (!user || !matches) throw new Unauthenticated('Invalid email or password.')
    await secondFactor.require(user, code)
    return user
  }

  return {
    prove,
    login: async (input) => open(await prove(input), { method: 'password', device: input.device }),
    open,
    async logout(token) {
      await store.deleteSession(digestOf(token))
      announceWithdrawal()
    },
    async authenticate(token, whileSuspended) {
      if (!token) throw new Unauthenticated('Not authenticated.')
      const hash = digestOf(token)
      const session = await store.findSession(hash)
      const now = clock.now()
      if (!session || session.expiresAt <= microsOf(now)) throw new Unauthenticated('Session expired or invalid.')
      if (isOver(session, microsOf(now))) {
        await store.deleteSession(hash)
        throw new Unauthenticated('Session expired. Please log in again.')
      }
      if (!whileSuspended) requireActive(session.status)
      const expiresAt = microsOf(now + ttl)
      if (expiresAt - session.expiresAt > EXTEND_AFTER_MS * 1000) await store.extendSession(hash, expiresAt)
      return {
        kind: 'user',
        userId: session.userId,
        tenantId: session.tenantId,
        email: session.email,
        role: session.role,
        isAdmin: isAtLeast(session.role, 'admin'),
        isOperator: isAtLeast(session.role, 'admin') && session.slug === FIRST_TENANT,
        signedInBy: session.method,
        sessionDigest: hash,
      }
    },
  }
}

/** Whether a session's time is up, however it was used. */
export const isOver = ({ createdAt, expiresAt }: Pick<UserSession, 'createdAt' | 'expiresAt'>, now: Micros): boolean =>
  expiresAt <= now || createdAt + microsOf(LONGEST_SESSION_MS) <= now
