import { DomainError, Forbidden, NotConfigured, NotFound } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import type { Database } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { actorWithin, requireReach } from '../actor.ts'
import { type Caller, looksAfterInstallation } from '../caller.ts'
import type { Mailer } from '../mailer.ts'
import { membersLock } from '../members/members.ts'
import type { Member, MemberStore } from '../members/store.ts'
import { digestOf } from '../opaque-tokens.ts'
import type { AnnounceWithdrawal } from '../open-calls.ts'
import type { Passwords } from '../passwords.ts'
import { scopeOf } from '../scope.ts'
import type { SecondFactorStore } from '../second-factor/store.ts'
import { requireLongEnough } from '../setup.ts'
import type { IdentityStore } from '../store.ts'
import { limited } from '../too-often.ts'
import type { PasswordLinkStore } from './store.ts'

const GOOD_FOR_MICROS = 3_600_000_000
const OF_ADDRESS = 10
const FOR_PERSON = 3
const WINDOW_SECONDS = 900

/** The way back for who lost a password or a device. */
export interface Recovery {
  /**
   * Mail a link to whoever has this address. Answers alike whether anybody has it, and takes as long.
   * @throws NotConfigured without a mail server, TooManyRequests
   */
  request(email: string, address: string): Promise<void>
  /**
   * A link for a member, to be handed over by an administrator, who must be allowed to change them.
   * @throws NotFound, Forbidden also for somebody who is a member of other tenants: there they may be more
   */
  linkFor(caller: Caller, userId: string): Promise<{ readonly link: string }>
  /** Their second factor is gone; the same people may do it. */
  removeSecondFactor(caller: Caller, userId: string): Promise<void>
  /** A new password; every session of the person ends. Exactly one use of a link wins. @throws DomainError 410, InvalidInput */
  setPassword(token: string, password: string, address: string): Promise<void>
  /** Forget links that ran out. */
  sweep(): Promise<void>
}

export function createRecovery(deps: {
  database: Database
  store: IdentityStore
  memberStore: MemberStore
  passwordLinkStore: PasswordLinkStore
  secondFactorStore: SecondFactorStore
  passwords: Passwords
  mailer: Mailer
  limiter: RateLimiter
  clock: Clock
  random: Random
  announceWithdrawal: AnnounceWithdrawal
  linkTo: (path: string) => string
  onError: (error: unknown) => void
}): Recovery {
  const { database, store, memberStore, passwordLinkStore: links, limiter, mailer, clock, random, linkTo } = deps

  async function newLink(userId: string): Promise<{ link: string; key: string }> {
    const token = Buffer.from(random.bytes(32)).toString('base64url')
    const createdAt = microsOf(clock.now())
    const tokenHash = digestOf(token)
    await links.insert({ tokenHash, userId, createdAt, expiresAt: createdAt + GOOD_FOR_MICROS })
    return { link: linkTo(`/dashboard/new-password#${token}`), key: tokenHash }
  }

  async function mailLink(email: string): Promise<void> {
    const user = await store.findUserByMailbox(email)
    // Who signs in at a provider has no password to lose.
    if (!user || user.passwordHash === null) return
    const verdict = await limiter.hit(`new-password:${user.id}`, FOR_PERSON, WINDOW_SECONDS)
    if (!verdict.allowed) return
    await mailer.send({
      to: user.email,
      subject: 'Lictor: set a new password',
      lines: [
        'Somebody, probably you, asked for a new password.',
        'The link is good once, for an hour. If it was not you, do nothing: your password stays as it is.',
      ],
      ...(await newLink(user.id)),
    })
  }

  /** The member, when the caller may take over how they sign in. */
  async function changeable(caller: Caller, userId: string): Promise<Member> {
    const scope = scopeOf(caller)
    return database.db.transaction().execute(async (within) => {
      await database.lock(membersLock(scope), within)
      const actor = await actorWithin(caller, store, within)
      const member = await memberStore.find(scope, userId, within)
      if (!member) throw new NotFound('Nobody with this id is a member of the tenant.')
      requireReach(actor, member.role)
      const others = (await store.listMemberships(userId, within)).filter(({ tenantId }) => tenantId !== scope.tenantId)
      if (others.length > 0 && !looksAfterInstallation(caller))
        throw new Forbidden(
          'This person is a member of other tenants, too: only who looks after the installation may do this.',
          'member_elsewhere',
        )
      return member
    })
  }

  return {
    async request(email, address) {
      if (!mailer.isOn)
        throw new NotConfigured(
          'This server sends no mail. Ask an administrator for a link to set a new password.',
          'mail_not_configured',
        )
      await limited(limiter, `new-password:${address}`, OF_ADDRESS, WINDOW_SECONDS)
      // Not waited for: how long the answer takes tells nothing about the address. Who gets no mail asks again.
      void mailLink(email).catch(deps.onError)
    },
    async linkFor(caller, userId) {
      const member = await changeable(caller, userId)
      return { link: (await newLink(member.userId)).link }
    },
    async removeSecondFactor(caller, userId) {
      const member = await changeable(caller, userId)
      await database.db.transaction().execute((within) => deps.secondFactorStore.remove(member.userId, within))
    },
    async setPassword(token, password, address) {
      await limited(limiter, `set-password:${address}`, OF_ADDRESS * 2, WINDOW_SECONDS)
      const tokenHash = digestOf(token)
      const userId = await links.find(tokenHash, microsOf(clock.now()))
      if (userId === null) throw over()
      requireLongEnough(password)
      const passwordHash = await deps.passwords.hash(password)
      await database.db.transaction().execute(async (within) => {
        if (!(await links.use(tokenHash, microsOf(clock.now()), within))) throw over()
        await store.setPassword(userId, passwordHash, within)
        await store.deleteSessionsOf(userId, {}, within)
      })
      deps.announceWithdrawal()
    },
    sweep: () => links.purge(microsOf(clock.now()) - 24 * GOOD_FOR_MICROS),
  }
}

const over = () => new DomainError(410, 'link_expired', 'This link was used, or has run out. Ask for a new one.')
