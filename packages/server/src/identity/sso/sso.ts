import { Forbidden, InvalidInput, NotFound } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import type { SecretBox } from '../../ports/secret-box.ts'
import { type Database, isUniqueViolation } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { UserCaller } from '../caller.ts'
import type { Device, Login } from '../login.ts'
import { membersLock } from '../members/members.ts'
import type { MemberStore } from '../members/store.ts'
import { digestOf, digestsEqual } from '../opaque-tokens.ts'
import type { Role } from '../roles.ts'
import { scopeOf, scopeOfRecord, systemScope, type TenantScope } from '../scope.ts'
import type { IdentityStore } from '../store.ts'
import { requireActive } from '../suspension.ts'
import type { TenantRecord, TenantStore } from '../tenants/store.ts'
import { limited } from '../too-often.ts'
import { type Oidc, type OidcSecret, type OidcSettings, type ProvenPerson, SignInRefused } from './oidc.ts'
import type { SsoStore } from './store.ts'

const GOOD_FOR_MICROS = 600_000_000
const STARTS = 60
export const CALLBACK_PATH = '/api/v1/auth/oidc/callback'

/** What the owner of a tenant says of its provider. */
export interface ProviderSettings extends OidcSettings {
  /** What the button on the login page says. */
  readonly label: string
  /** What somebody becomes of whom the provider is the first to tell; null: only who was invited comes in. */
  readonly newMembers: Extract<Role, 'viewer' | 'member'> | null
}

/** Sign-in at the provider of a tenant. */
export interface SingleSignOn {
  settingsOf(caller: UserCaller): Promise<ProviderSettings | null>
  /** @param given a secret that is left out stays. @throws InvalidInput */
  configure(
    caller: UserCaller,
    given: Omit<ProviderSettings, 'clientSecret'> & { readonly clientSecret: string | null },
  ): Promise<ProviderSettings>
  /** @throws NotFound */
  remove(caller: UserCaller): Promise<void>
  /** What the login page offers for a tenant; null for none. */
  offered(slug: string): Promise<{ readonly label: string } | null>
  /** Where to send a browser, and what it is to keep meanwhile. @throws NotFound, SignInRefused, Unavailable */
  begin(
    slug: string,
    returnTo: string,
    address: string,
  ): Promise<{ readonly url: string; readonly browserToken: string }>
  /**
   * Who came back gets a session in that tenant, and in no other. Each answer is taken once, from the browser that asked.
   * @throws SignInRefused, Forbidden, Unavailable
   */
  complete(
    answer: URLSearchParams,
    browserToken: string | undefined,
    device: Device,
  ): Promise<{ readonly session: string; readonly returnTo: string }>
  /** Forget sign-ins that ran out. */
  sweep(): Promise<void>
}

export function createSingleSignOn(deps: {
  database: Database
  store: IdentityStore
  ssoStore: SsoStore
  memberStore: MemberStore
  tenantStore: TenantStore
  oidc: Oidc
  login: Pick<Login, 'open'>
  secretBox: SecretBox
  limiter: RateLimiter
  clock: Clock
  random: Random
  linkTo: (path: string) => string
}): SingleSignOn {
  const {
    database,
    store,
    ssoStore,
    memberStore,
    tenantStore,
    oidc,
    login,
    secretBox,
    limiter,
    clock,
    random,
    linkTo,
  } = deps
  const newToken = () => Buffer.from(random.bytes(32)).toString('base64url')
  const seal = (value: object) => secretBox.seal(Buffer.from(JSON.stringify(value)))
  const open = <T>(sealed: Uint8Array): T => JSON.parse(Buffer.from(secretBox.open(sealed)).toString()) as T

  async function providerOf(scope: TenantScope): Promise<ProviderSettings | null> {
    const sealed = await ssoStore.findProvider(scope, 'oidc')
    return sealed && open<ProviderSettings>(sealed)
  }

  async function tenantNamed(slug: string): Promise<TenantRecord | null> {
    const tenant = await tenantStore.find(systemScope, slug)
    return tenant && tenant.status === 'active' ? tenant : null
  }

  /** Who somebody of the provider is here: known already, invited, or new where new ones are welcome. */
  async function personOf(scope: TenantScope, person: ProvenPerson, provider: ProviderSettings): Promise<string> {
    const { issuer, subject, email } = person
    const known = await ssoStore.findIdentity(scope, issuer, subject)
    if (known !== null) {
      if (await memberStore.find(scope, known)) return known
      throw new Forbidden('You are not a member of this tenant any more.', 'not_a_member')
    }
    if (email === null || !person.isEmailVerified)
      throw new SignInRefused('The provider does not vouch for an e-mail address of yours (email, email_verified).')
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
        if (provider.newMembers === null)
          throw new Forbidden(
            `${email} is not a member of this tenant. Ask an administrator to invite you.`,
            'not_a_member',
          )
        const userId = random.uuid()
        // Somebody who has an account here already is not taken over by what a provider says: they accept an invitation.
        if (await store.findUserByMailbox(email, within)) throw accountExists(email)
        await store.insertUser({ ...scope, id: userId, email, passwordHash: null, createdAt: at }, within)
        await store.insertMember({ ...scope, userId, role: provider.newMembers, joinedAt: at, invitedAt: null }, within)
        await ssoStore.link(scope, { issuer, subject, userId, at }, within)
        return userId
      })
      .catch((error: unknown) => {
        throw isUniqueViolation(error) ? accountExists(email) : error
      })
  }

  return {
    settingsOf: (caller) => providerOf(scopeOf(caller)),
    async configure(caller, given) {
      const before = await providerOf(scopeOf(caller))
      const issuer = given.issuer
      const mayKeep = before?.issuer === issuer && before.clientId === given.clientId
      const clientSecret = given.clientSecret ?? (mayKeep ? before.clientSecret : null)
      if (clientSecret === null)
        throw new InvalidInput([
          { loc: ['body', 'client_secret'], msg: 'Value error, a new issuer or client needs its secret' },
        ])
      if (!URL.canParse(issuer) || new URL(issuer).search !== '' || new URL(issuer).hash !== '')
        throw new InvalidInput([{ loc: ['body', 'issuer'], msg: 'Value error, not the address of an issuer' }])
      const settings: ProviderSettings = { ...given, issuer, clientSecret }
      await ssoStore.putProvider(scopeOf(caller), 'oidc', seal(settings), microsOf(clock.now()))
      return settings
    },
    async remove(caller) {
      if (!(await ssoStore.removeProvider(scopeOf(caller), 'oidc')))
        throw new NotFound('This tenant has no single sign-on.')
    },
    async offered(slug) {
      const tenant = await tenantNamed(slug)
      const provider = tenant && (await providerOf(scopeOfRecord({ tenantId: tenant.id })))
      return provider && { label: provider.label }
    },
    async begin(slug, returnTo, address) {
      await limited(limiter, `sso-start:${address}`, STARTS, 60)
      const tenant = await tenantNamed(slug)
      const provider = tenant && (await providerOf(scopeOfRecord({ tenantId: tenant.id })))
      if (!tenant || !provider) throw new NotFound('There is no single sign-on for this tenant.')
      const state = newToken()
      const browserToken = newToken()
      const secret: OidcSecret = { verifier: newToken(), nonce: newToken() }
      const url = await oidc.authorizationUrl(provider, { ...secret, state, redirectUri: linkTo(CALLBACK_PATH) })
      await ssoStore.begin({
        stateHash: digestOf(state),
        tenantId: tenant.id,
        kind: 'oidc',
        browserHash: digestOf(browserToken),
        sealedSecret: seal(secret),
        returnTo,
        expiresAt: microsOf(clock.now()) + GOOD_FOR_MICROS,
      })
      return { url, browserToken }
    },
    async complete(answer, browserToken, device) {
      const state = answer.get('state') ?? ''
      const signIn = await ssoStore.take(digestOf(state), microsOf(clock.now()))
      if (!signIn) throw new SignInRefused('This sign-in was not begun here, was finished already, or took too long.')
      if (browserToken === undefined || !digestsEqual(digestOf(browserToken), signIn.browserHash))
        throw new SignInRefused('This sign-in was begun in another browser.')
      const scope = scopeOfRecord(signIn)
      requireActive((await tenantStore.statusOf(scope)) ?? 'deleted')
      const provider = await providerOf(scope)
      if (!provider) throw new SignInRefused('Single sign-on of this tenant was removed meanwhile.')
      const url = new URL(linkTo(CALLBACK_PATH))
      for (const [name, value] of answer) url.searchParams.append(name, value)
      const person = await oidc.redeem(provider, url, { ...open<OidcSecret>(signIn.sealedSecret), state })
      const user = await store.findUser(await personOf(scope, person, provider))
      if (!user) throw new SignInRefused('Your account is gone.')
      const session = await login.open(user, { method: 'sso:oidc', device, tenantId: signIn.tenantId })
      return { session, returnTo: signIn.returnTo }
    },
    sweep: () => ssoStore.purge(microsOf(clock.now())),
  }
}

const accountExists = (email: string) =>
  new Forbidden(
    `There is an account ${email} already, which is no member of this tenant. Ask an administrator to invite it, and accept with its password.`,
    'account_exists',
  )
