import { BadRequest, Conflict, DomainError, Forbidden, NotFound, Unauthenticated } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import { type Database, isUniqueViolation, type Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { type Actor, actorWithin, operatorActor, requireReach } from '../actor.ts'
import { actorOf, type Caller } from '../caller.ts'
import type { Device, Login } from '../login.ts'
import type { Mailer, MailOutcome } from '../mailer.ts'
import { membersLock } from '../members/members.ts'
import type { MemberStore } from '../members/store.ts'
import { digestOf } from '../opaque-tokens.ts'
import type { Passwords } from '../passwords.ts'
import type { PasswordLinkStore } from '../recovery/store.ts'
import type { Role } from '../roles.ts'
import { scopeOf, scopeOfRecord, type TenantScope } from '../scope.ts'
import { requireLongEnough } from '../setup.ts'
import type { IdentityStore, User } from '../store.ts'
import { requireActive } from '../suspension.ts'
import { limited } from '../too-often.ts'
import type { HeldInvitation, Invitation, InvitationStore } from './store.ts'

const GOOD_FOR_MICROS = 7 * 86_400_000_000
/** Invitations that a tenant may send in an hour, and one person may be sent by it. */
const PER_HOUR = 100
const PER_HOUR_TO_ONE = 5
const HOUR_SECONDS = 3_600

/** `link` and `token` are told to the one who invites, and kept only as a digest. */
export interface SentInvitation {
  readonly invitation: Invitation
  readonly token: string
  readonly link: string
  readonly mail: MailOutcome
}

/** Who comes in by a link, and how they prove who they are. */
export interface Acceptance {
  /** Signed in already. */
  readonly caller: Caller | null
  readonly password: string | null
  readonly code: string | null
  readonly device: Device
}

/** Who comes in; with the digest of a password, the account is still to be made. */
type Comer = Pick<User, 'id' | 'tenantId' | 'email'> & { readonly newPasswordHash: string | null }

/** The way into a tenant: a link, good once, for one address, for a week. */
export interface Invitations {
  /**
   * To the same address again: a new link, and the one before opens nothing any more.
   * @throws Forbidden, Conflict for somebody who is a member, BadRequest in a personal tenant, TooManyRequests
   */
  send(caller: Caller, invited: { readonly email: string; readonly role: Role }): Promise<SentInvitation>
  /** Into any tenant, by those who look after the installation. */
  sendInto(
    caller: Caller,
    tenant: { readonly id: string; readonly displayName: string; readonly kind: string },
    invited: { readonly email: string; readonly role: Role },
  ): Promise<SentInvitation>
  /** Those that nobody has accepted, newest first; also those that ran out. */
  list(caller: Caller): Promise<Invitation[]>
  /** Its link opens nothing any more. @throws NotFound, Forbidden */
  withdraw(caller: Caller, id: string): Promise<void>
  /** What the holder of a link is asked to; uses nothing up. @throws NotFound, DomainError 410 */
  look(token: string): Promise<HeldInvitation & { readonly hasAccount: boolean }>
  /**
   * Somebody who has no account gets one, with this password; whoever has one proves it, or is signed in with it. Exactly one wins.
   * @returns a session in the tenant where none was there; null for who was signed in
   * @throws NotFound, Conflict when it was used, DomainError 410, Forbidden for somebody else, Unauthenticated, InvalidInput
   */
  accept(
    token: string,
    by: Acceptance,
  ): Promise<{ readonly invitation: HeldInvitation; readonly session: string | null }>
}

export function createInvitations(deps: {
  database: Database
  store: IdentityStore
  memberStore: MemberStore
  invitationStore: InvitationStore
  passwordLinkStore: PasswordLinkStore
  login: Pick<Login, 'open' | 'prove'>
  passwords: Passwords
  mailer: Mailer
  limiter: RateLimiter
  clock: Clock
  random: Random
  linkTo: (path: string) => string
}): Invitations {
  const { database, store, memberStore, invitationStore, passwordLinkStore, login, passwords, mailer } = deps
  const { limiter, clock, random, linkTo } = deps

  async function invite(
    scope: TenantScope,
    invitedBy: string,
    tenantName: string,
    { email, role }: { readonly email: string; readonly role: Role },
    actorIn: (within: Queryable) => Promise<Actor>,
  ): Promise<SentInvitation> {
    await limited(limiter, `invitations:${scope.tenantId}`, PER_HOUR, HOUR_SECONDS)
    await limited(limiter, `invitation:${scope.tenantId}:${email.toLowerCase()}`, PER_HOUR_TO_ONE, HOUR_SECONDS)
    const token = Buffer.from(random.bytes(32)).toString('base64url')
    const at = microsOf(clock.now())
    const invitation: Invitation = {
      id: random.uuid(),
      tenantId: scope.tenantId,
      email,
      role,
      invitedBy,
      createdAt: at,
      expiresAt: at + GOOD_FOR_MICROS,
      closedAt: null,
      acceptedBy: null,
    }
    await database.db.transaction().execute(async (within) => {
      await database.lock(membersLock(scope), within)
      requireReach(await actorIn(within), role)
      const known = await memberStore.list(scope, within)
      if (known.some((member) => isSameAddress(member.email, email)))
        throw new Conflict(`${email} is a member of this tenant already.`, 'already_member')
      for (const open of await invitationStore.listOpen(scope, within))
        if (isSameAddress(open.email, email)) await invitationStore.close(scope, open.id, at, null, within)
      await invitationStore.insert(invitation, digestOf(token), within)
    })
    const link = linkTo(`/dashboard/invitation#${token}`)
    const mail = await mailer.send({
      to: email,
      subject: `${tenantName}: invitation to Lictor`,
      lines: [
        `${invitedBy} invites you to ${tenantName} on Lictor, as ${role}.`,
        'The link is good once, for seven days. If you did not expect it, do nothing.',
      ],
      link,
      key: invitation.id,
    })
    return { invitation, token, link, mail }
  }

  const held = async (token: string, within?: Queryable): Promise<HeldInvitation> => {
    const invitation = await invitationStore.findByToken(digestOf(token), within)
    if (!invitation) throw new NotFound('There is no invitation of this link, or a newer one was sent.', 'not_found')
    if (invitation.acceptedBy !== null)
      throw new Conflict('This invitation was accepted already.', 'invitation_not_pending')
    if (invitation.closedAt !== null)
      throw new Conflict(
        'This invitation was taken back, or a newer one was sent to the same address.',
        'invitation_not_pending',
      )
    if (invitation.expiresAt <= microsOf(clock.now()))
      throw new DomainError(410, 'invitation_expired', 'This invitation has run out. Ask for a new one.')
    requireActive(invitation.tenant.status)
    return invitation
  }

  /** The account with which the invitation is accepted; made within the transaction where there is none. */
  async function personFor(invitation: HeldInvitation, { caller, password, code, device }: Acceptance): Promise<Comer> {
    const { email } = invitation
    if (caller !== null) {
      const signedIn = await signedInPerson(caller)
      if (!isSameAddress(signedIn.email, email))
        throw new Forbidden(
          `This invitation is for ${email}, and you are signed in as ${signedIn.email}. Sign out and open the link again.`,
          'other_person',
        )
      return { ...signedIn, newPasswordHash: null }
    }
    if (password === null) throw new Unauthenticated('Sign in, or choose a password for your new account.')
    const account = await store.findUserByMailbox(email)
    if (account)
      return { ...(await login.prove({ email: account.email, password, code, device })), newPasswordHash: null }
    requireLongEnough(password)
    const newPasswordHash = await passwords.hash(password)
    return { id: random.uuid(), tenantId: invitation.tenantId, email, newPasswordHash }
  }

  async function signedInPerson(caller: Caller): Promise<User> {
    const id =
      caller.kind === 'user' ? caller.userId : caller.kind === 'token' ? caller.key?.owner.replace(/^user:/, '') : ''
    const user = await store.findUser(id ?? '')
    if (!user)
      throw new BadRequest(
        'Invitations are for people: accept it with a session, or with a key of yours.',
        'invalid_invitation',
      )
    return user
  }

  return {
    async send(caller, invited) {
      const mine = await store.findTenant(scopeOf(caller))
      if (mine?.kind === 'personal')
        throw new BadRequest(
          'A personal tenant has one member. Make a team tenant to work with others.',
          'team_context_required',
        )
      return invite(scopeOf(caller), actorOf(caller), mine?.name ?? '', invited, (within) =>
        actorWithin(caller, store, within),
      )
    },
    async sendInto(caller, tenant, invited) {
      const scope = scopeOfRecord({ tenantId: tenant.id })
      if (tenant.kind === 'personal' && ((await memberStore.list(scope)).length > 0 || invited.role !== 'owner'))
        throw new BadRequest('A personal tenant has one member, its owner.', 'team_context_required')
      return invite(scope, actorOf(caller), tenant.displayName, invited, async () => operatorActor(caller))
    },
    list: (caller) => invitationStore.listOpen(scopeOf(caller)),
    async withdraw(caller, id) {
      const scope = scopeOf(caller)
      await database.db.transaction().execute(async (within) => {
        await database.lock(membersLock(scope), within)
        const actor = await actorWithin(caller, store, within)
        const open = (await invitationStore.listOpen(scope, within)).find((one) => one.id === id)
        if (!open) throw new NotFound('There is no open invitation with this id.')
        requireReach(actor, open.role)
        await invitationStore.close(scope, id, microsOf(clock.now()), null, within)
      })
    },
    async look(token) {
      const invitation = await held(token)
      return { ...invitation, hasAccount: (await store.findUserByMailbox(invitation.email)) !== undefined }
    },
    async accept(token, by) {
      const first = await held(token)
      const person = await personFor(first, by)
      const scope = scopeOfRecord(first)
      const at = microsOf(clock.now())
      try {
        await database.db.transaction().execute(async (within) => {
          await database.lock(membersLock(scope), within)
          const invitation = await held(token, within)
          if (person.newPasswordHash !== null)
            await store.insertUser({ ...person, passwordHash: person.newPasswordHash, createdAt: at }, within)
          if (!(await memberStore.find(scope, person.id, within))) {
            await store.insertMember(
              { ...scope, userId: person.id, role: invitation.role, joinedAt: at, invitedAt: invitation.createdAt },
              within,
            )
            // Whoever was handed a link for their password could not be handed one now.
            await passwordLinkStore.withdraw(person.id, within)
          }
          await invitationStore.close(scope, invitation.id, at, person.id, within)
        })
      } catch (error) {
        if (!isUniqueViolation(error)) throw error
        throw new Conflict('An account with this address was made meanwhile. Open the link again and sign in.')
      }
      const session =
        by.caller === null
          ? await login.open(person, { method: 'password', device: by.device, tenantId: first.tenantId })
          : null
      return { invitation: { ...first, closedAt: at, acceptedBy: person.id }, session }
    },
  }
}

const isSameAddress = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()
