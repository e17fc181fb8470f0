import type { Configuration, TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client'
import { Unavailable } from '../../errors.ts'
import type { Fetch } from '../../ports/fetch.ts'
import { type ProvenPerson, SignInRefused } from './linking.ts'

/** An OpenID Connect provider, as the owner of a tenant configured it. */
export interface OidcSettings {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
}

/** What a browser was sent away with, and must come back with. */
export interface OidcSecret {
  readonly verifier: string
  readonly nonce: string
}

/** What a person is told who signs in on a terminal, and what the provider is asked with meanwhile. */
export interface DeviceCode {
  readonly deviceCode: string
  readonly userCode: string
  readonly verificationUri: string
  /** The same with the code in it. */
  readonly verificationUriComplete: string | null
  /** Seconds. */
  readonly expiresIn: number
  /** Seconds between two questions. */
  readonly interval: number
}

export type DeviceAnswer =
  | { readonly status: 'pending' | 'slow_down' | 'denied' | 'expired' }
  | { readonly status: 'approved'; readonly person: ProvenPerson }

export interface Oidc {
  /** Where to send a browser. @throws SignInRefused, Unavailable */
  authorizationUrl(
    settings: OidcSettings,
    request: OidcSecret & { state: string; redirectUri: string },
  ): Promise<string>
  /** Who came back. @throws SignInRefused, Unavailable */
  redeem(settings: OidcSettings, answer: URL, request: OidcSecret & { state: string }): Promise<ProvenPerson>
  /** Begin on a terminal (RFC 8628). @throws SignInRefused, also where the provider has no device flow; Unavailable */
  beginDevice(settings: OidcSettings): Promise<DeviceCode>
  /** Ask once whether the code was typed in, and by whom. @throws SignInRefused, Unavailable */
  redeemDevice(settings: OidcSettings, deviceCode: string): Promise<DeviceAnswer>
}

const SCOPE = 'openid email profile'
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
/** What the provider answers to a question about a device while there is no person. */
const DEVICE_ERRORS: ReadonlyMap<string, Exclude<DeviceAnswer['status'], 'approved'>> = new Map([
  ['authorization_pending', 'pending'],
  ['slow_down', 'slow_down'],
  ['access_denied', 'denied'],
  ['expired_token', 'expired'],
])
/** What is made of the times that a provider names, in seconds: RFC 8628 leaves out the interval where it is 5. */
const bounded = (seconds: number | undefined, least: number, most: number, absent: number): number =>
  Number.isFinite(seconds) ? Math.min(most, Math.max(least, Math.ceil(seconds as number))) : absent

const LIMIT_SECONDS = 15
const LONGEST_REASON = 300
/** As long as a code may be typed in, whatever the provider says. */
const LONGEST_DEVICE_SECONDS = 1800
export const LONGEST_INTERVAL = 300

export const isLoopback = (address: string): boolean =>
  URL.canParse(address) && /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(new URL(address).hostname)

/** OpenID Connect by `openid-client`, loaded when somebody signs in so. */
export function createOidc({ fetch }: { fetch: Fetch }): Oidc {
  async function configurationOf(settings: OidcSettings): Promise<Configuration> {
    const client = await import('openid-client')
    if (!settings.issuer.startsWith('https:') && !isLoopback(settings.issuer))
      throw new SignInRefused(`The issuer '${settings.issuer}' is not https.`)
    const found = await client.discovery(
      new URL(settings.issuer),
      settings.clientId,
      undefined,
      client.ClientSecretPost(settings.clientSecret),
      {
        [client.customFetch]: fetch as never,
        timeout: LIMIT_SECONDS,
        ...(isLoopback(settings.issuer) ? { execute: [client.allowInsecureRequests] } : {}),
      },
    )
    return found
  }

  async function asking<T>(work: () => Promise<T>): Promise<T> {
    const client = await import('openid-client')
    try {
      return await work()
    } catch (error) {
      if (error instanceof SignInRefused) throw error
      if (
        (error instanceof client.ResponseBodyError && error.status < 500 && error.status !== 429) ||
        error instanceof client.AuthorizationResponseError
      )
        throw new SignInRefused(`The provider refused: ${shortened(error.error_description ?? error.error)}`)
      const { code, cause } = error as { code?: unknown; cause?: unknown }
      if (error instanceof client.ClientError && code !== 'OAUTH_TIMEOUT' && !isNetwork(cause) && !isOverloaded(error))
        throw new SignInRefused(`What came from the provider is not right: ${shortened(reasonOf(error))}`)
      throw new Unavailable('The provider does not answer. Try again shortly.', { cause: error })
    }
  }

  /** Whom the provider means. Who they are stands in the identity token; an address that is not in it is asked for. */
  async function personOf(
    configuration: Configuration,
    granted: TokenEndpointResponse & TokenEndpointResponseHelpers,
  ): Promise<ProvenPerson> {
    const client = await import('openid-client')
    const claims = granted.claims()
    if (!claims) throw new SignInRefused('The provider gave no identity.')
    const told =
      typeof claims.email === 'string'
        ? claims
        : await client.fetchUserInfo(configuration, granted.access_token, claims.sub)
    return {
      issuer: claims.iss,
      subject: claims.sub,
      email: typeof told.email === 'string' && told.email_verified === true ? told.email : null,
    }
  }

  return {
    authorizationUrl: (settings, { state, nonce, verifier, redirectUri }) =>
      asking(async () => {
        const client = await import('openid-client')
        return client.buildAuthorizationUrl(await configurationOf(settings), {
          response_type: 'code',
          redirect_uri: redirectUri,
          scope: SCOPE,
          state,
          nonce,
          code_challenge: await client.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        }).href
      }),
    redeem: (settings, answer, { state, nonce, verifier }) =>
      asking(async () => {
        const client = await import('openid-client')
        const configuration = await configurationOf(settings)
        const granted = await client.authorizationCodeGrant(configuration, answer, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        })
        return personOf(configuration, granted)
      }),
    beginDevice: (settings) =>
      asking(async () => {
        const client = await import('openid-client')
        const configuration = await configurationOf(settings)
        if (configuration.serverMetadata().device_authorization_endpoint === undefined)
          throw new SignInRefused('The provider has no device flow: nobody signs in there on a terminal.')
        const given = await client.initiateDeviceAuthorization(configuration, { scope: SCOPE })
        return {
          deviceCode: given.device_code,
          userCode: shortened(given.user_code),
          verificationUri: requireAddress(given.verification_uri),
          verificationUriComplete:
            given.verification_uri_complete === undefined ? null : requireAddress(given.verification_uri_complete),
          expiresIn: bounded(given.expires_in, 1, LONGEST_DEVICE_SECONDS, LONGEST_DEVICE_SECONDS),
          interval: bounded(given.interval, 1, LONGEST_INTERVAL, 5),
        }
      }),
    redeemDevice: (settings, deviceCode) =>
      asking(async () => {
        const client = await import('openid-client')
        const configuration = await configurationOf(settings)
        let granted: Awaited<ReturnType<typeof client.genericGrantRequest>>
        try {
          granted = await client.genericGrantRequest(configuration, DEVICE_GRANT, { device_code: deviceCode })
        } catch (error) {
          const status = error instanceof client.ResponseBodyError ? DEVICE_ERRORS.get(error.error) : undefined
          if (status === undefined) throw error
          return { status }
        }
        return { status: 'approved', person: await personOf(configuration, granted) } as const
      }),
  }
}

/** A page that a person is told to open. @throws SignInRefused */
function requireAddress(address: string): string {
  if (URL.canParse(address) && (address.startsWith('https:') || isLoopback(address))) return new URL(address).href
  throw new SignInRefused('The provider names no https address at which a code is typed in.')
}

const isNetwork = (cause: unknown): boolean =>
  cause instanceof Error && /fetch failed|ECONN|ENOTFOUND|EAI_AGAIN|timeout/i.test(`${cause.name} ${cause.message}`)

/** An answer of a provider that has its own troubles, or of the proxy in front of it. */
function isOverloaded(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause)
    if (one.cause instanceof Response) return one.cause.status >= 500 || one.cause.status === 429
  return false
}

function reasonOf(error: Error): string {
  const { cause } = error
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message
}

const shortened = (text: string): string => text.replace(/\p{C}/gu, ' ').slice(0, LONGEST_REASON)
