import { NotFound } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import type { SecretBox } from '../../ports/secret-box.ts'
import { microsOf } from '../../storage/instants.ts'
import type { Device, Login } from '../login.ts'
import { digestOf, digestsEqual } from '../opaque-tokens.ts'
import { scopeOfRecord, systemScope, type TenantScope } from '../scope.ts'
import type { IdentityStore } from '../store.ts'
import { requireActive } from '../suspension.ts'
import type { TenantRecord, TenantStore } from '../tenants/store.ts'
import { limited } from '../too-often.ts'
import { type Linking, type NewMembers, type ProvenPerson, SignInRefused } from './linking.ts'
import type { ProviderKind, SignIn, SignInKind, SsoStore } from './store.ts'

const STARTS = 60

/** What the owner of a tenant says of a provider of whichever kind. */
export interface Welcome {
  /** What the button on the login page says. */
  readonly label: string
  readonly newMembers: NewMembers
}

/** Where somebody is sent on to who came back from a provider. */
export interface Welcomed {
  readonly session: string
  readonly returnTo: string
}

/** Providers of tenants, and sign-ins under way: what is the same for every kind of provider. */
export interface SignIns {
  providerOf<T>(scope: TenantScope, kind: ProviderKind): Promise<T | null>
  putProvider(scope: TenantScope, kind: ProviderKind, settings: object): Promise<void>
  /** @throws NotFound */
  removeProvider(scope: TenantScope, kind: ProviderKind): Promise<void>
  /** What an active tenant has set up; null also where there is no such tenant. */
  configured<T>(
    slug: string,
    kind: ProviderKind,
  ): Promise<{ readonly tenant: TenantRecord; readonly settings: T } | null>
  /** The same, for somebody who is to be sent away. @throws NotFound, TooManyRequests */
  requireConfigured<T>(
    slug: string,
    kind: ProviderKind,
    address: string,
  ): Promise<{ readonly tenant: TenantRecord; readonly settings: T }>
  /** Write down that a browser is sent away with `state`. @returns what that browser is to keep meanwhile */
  begin(signIn: {
    readonly kind: SignInKind
    readonly tenantId: string
    readonly state: string
    readonly secret: object
    readonly returnTo: string
    readonly goodForMs: number
    /** Absent: a browser that begins now. */
    readonly browserHash?: string
  }): Promise<string>
  /** The sign-in of this state, for good. @throws SignInRefused */
  take(kind: SignInKind, state: string): Promise<SignIn>
  /** What was written down with it. */
  secretOf<T>(signIn: Pick<SignIn, 'sealedSecret'>): T
  /** What is written down with a sign-in. */
  seal(secret: object): Uint8Array
  /** @throws Forbidden where the tenant is active no longer */
  requireActive(signIn: Pick<SignIn, 'tenantId'>): Promise<void>
  /** @throws SignInRefused where another browser began it, Forbidden where its tenant is active no longer */
  requireOfBrowser(signIn: SignIn, browserToken: string | undefined): Promise<void>
  /** A session of who came back, in the tenant that sent them away. @throws SignInRefused, Forbidden */
  welcome(
    signIn: Pick<SignIn, 'tenantId' | 'returnTo'>,
    person: ProvenPerson,
    as: {
      readonly kind: ProviderKind
      readonly newMembers: NewMembers
      readonly said: string
      readonly device: Device
    },
  ): Promise<Welcomed>
  /** Forget sign-ins that ran out. */
  sweep(): Promise<void>
}

export function createSignIns(deps: {
  store: IdentityStore
  ssoStore: SsoStore
  tenantStore: TenantStore
  linking: Linking
  login: Pick<Login, 'open'>
  secretBox: SecretBox
  limiter: RateLimiter
  clock: Clock
  random: Random
}): SignIns {
  const { store, ssoStore, tenantStore, linking, login, secretBox, limiter, clock, random } = deps
  const seal = (value: object) => secretBox.seal(Buffer.from(JSON.stringify(value)))
  const open = <T>(sealed: Uint8Array): T => JSON.parse(Buffer.from(secretBox.open(sealed)).toString()) as T

  async function providerOf<T>(scope: TenantScope, kind: ProviderKind): Promise<T | null> {
    const sealed = await ssoStore.findProvider(scope, kind)
    return sealed && open<T>(sealed)
  }

  async function configured<T>(slug: string, kind: ProviderKind) {
    const tenant = await tenantStore.find(systemScope, slug)
    if (tenant?.status !== 'active') return null
    const settings = await providerOf<T>(scopeOfRecord({ tenantId: tenant.id }), kind)
    return settings && { tenant, settings }
  }

  const requireActiveTenant: SignIns['requireActive'] = async (signIn) =>
    requireActive((await tenantStore.statusOf(scopeOfRecord(signIn))) ?? 'deleted')

  return {
    seal,
    providerOf,
    configured,
    requireActive: requireActiveTenant,
    putProvider: (scope, kind, settings) => ssoStore.putProvider(scope, kind, seal(settings), microsOf(clock.now())),
    async removeProvider(scope, kind) {
      if (!(await ssoStore.removeProvider(scope, kind))) throw new NotFound('This tenant has no single sign-on.')
    },
    async requireConfigured<T>(slug: string, kind: ProviderKind, address: string) {
      await limited(limiter, `sso-start:${address}`, STARTS, 60)
      const found = await configured<T>(slug, kind)
      if (!found) throw new NotFound('There is no single sign-on for this tenant.')
      return found
    },
    async begin({ kind, tenantId, state, secret, returnTo, goodForMs, browserHash }) {
      const browserToken = newToken(random)
      await ssoStore.begin({
        stateHash: digestOf(state),
        tenantId,
        kind,
        browserHash: browserHash ?? digestOf(browserToken),
        sealedSecret: seal(secret),
        returnTo,
        expiresAt: microsOf(clock.now() + goodForMs),
      })
      return browserToken
    },
    async take(kind, state) {
      const signIn = await ssoStore.take(kind, digestOf(state), microsOf(clock.now()))
      if (!signIn) throw new SignInRefused('This sign-in was not begun here, was finished already, or took too long.')
      return signIn
    },
    secretOf: ({ sealedSecret }) => open(sealedSecret),
    async requireOfBrowser(signIn, browserToken) {
      if (browserToken === undefined || !digestsEqual(digestOf(browserToken), signIn.browserHash))
        throw new SignInRefused('This sign-in was begun in another browser.')
      await requireActiveTenant(signIn)
    },
    async welcome(signIn, person, { kind, newMembers, said, device }) {
      const user = await store.findUser(await linking.personOf(scopeOfRecord(signIn), person, newMembers, said))
      if (!user) throw new SignInRefused('Your account is gone.')
      const session = await login.open(user, { method: `sso:${kind}`, device, tenantId: signIn.tenantId })
      return { session, returnTo: signIn.returnTo }
    },
    sweep: () => ssoStore.purge(microsOf(clock.now())),
  }
}

/** 256 bits that nobody guesses, in letters that stand in an address. */
export const newToken = (random: Random): string => Buffer.from(random.bytes(32)).toString('base64url')

/** Where the settings went meanwhile. @throws SignInRefused */
export function requireStill<T>(settings: T | null): T {
  if (settings === null) throw new SignInRefused('Single sign-on of this tenant was removed meanwhile.')
  return settings
}
