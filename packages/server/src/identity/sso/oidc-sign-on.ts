import { InvalidInput } from '../../errors.ts'
import type { Random } from '../../ports/random.ts'
import type { UserCaller } from '../caller.ts'
import type { Device } from '../login.ts'
import { scopeOf, scopeOfRecord } from '../scope.ts'
import type { Oidc, OidcSecret, OidcSettings } from './oidc.ts'
import { newToken, requireStill, type SignIns, type Welcome, type Welcomed } from './sign-ins.ts'

const GOOD_FOR_MS = 600_000
export const CALLBACK_PATH = '/api/v1/auth/oidc/callback'

/** What the owner of a tenant says of its provider. */
export type ProviderSettings = OidcSettings & Welcome

/** Sign-in at the OpenID Connect provider of a tenant. */
export interface OidcSignOn {
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
  complete(answer: URLSearchParams, browserToken: string | undefined, device: Device): Promise<Welcomed>
}

export function createOidcSignOn(deps: {
  signIns: SignIns
  oidc: Oidc
  random: Random
  linkTo: (path: string) => string
}): OidcSignOn {
  const { signIns, oidc, random, linkTo } = deps
  return {
    settingsOf: (caller) => signIns.providerOf(scopeOf(caller), 'oidc'),
    async configure(caller, given) {
      const before = await signIns.providerOf<ProviderSettings>(scopeOf(caller), 'oidc')
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
      await signIns.putProvider(scopeOf(caller), 'oidc', settings)
      return settings
    },
    remove: (caller) => signIns.removeProvider(scopeOf(caller), 'oidc'),
    async offered(slug) {
      const found = await signIns.configured<ProviderSettings>(slug, 'oidc')
      return found && { label: found.settings.label }
    },
    async begin(slug, returnTo, address) {
      const { tenant, settings } = await signIns.requireConfigured<ProviderSettings>(slug, 'oidc', address)
      const state = newToken(random)
      const secret: OidcSecret = { verifier: newToken(random), nonce: newToken(random) }
      const url = await oidc.authorizationUrl(settings, { ...secret, state, redirectUri: linkTo(CALLBACK_PATH) })
      const begun = { kind: 'oidc', tenantId: tenant.id, state, secret, returnTo, goodForMs: GOOD_FOR_MS } as const
      return { url, browserToken: await signIns.begin(begun) }
    },
    async complete(answer, browserToken, device) {
      const state = answer.get('state') ?? ''
      const signIn = await signIns.take('oidc', state)
      await signIns.requireOfBrowser(signIn, browserToken)
      const settings = requireStill(await signIns.providerOf<ProviderSettings>(scopeOfRecord(signIn), 'oidc'))
      const url = new URL(linkTo(CALLBACK_PATH))
      for (const [name, value] of answer) url.searchParams.append(name, value)
      const person = await oidc.redeem(settings, url, { ...signIns.secretOf<OidcSecret>(signIn), state })
      return signIns.welcome(signIn, person, {
        kind: 'oidc',
        newMembers: settings.newMembers,
        said: 'email, email_verified',
        device,
      })
    },
  }
}
