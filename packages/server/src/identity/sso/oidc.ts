import type { Configuration } from 'openid-client'
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

export interface Oidc {
  /** Where to send a browser. @throws SignInRefused, Unavailable */
  authorizationUrl(
    settings: OidcSettings,
    request: OidcSecret & { state: string; redirectUri: string },
  ): Promise<string>
  /** Who came back. @throws SignInRefused, Unavailable */
  redeem(settings: OidcSettings, answer: URL, request: OidcSecret & { state: string }): Promise<ProvenPerson>
}

const LIMIT_SECONDS = 15
const LONGEST_REASON = 300

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
      if (error instanceof client.ClientError && code !== 'OAUTH_TIMEOUT' && !isNetwork(cause))
        throw new SignInRefused(`What came from the provider is not right: ${shortened(reasonOf(error))}`)
      throw new Unavailable('The provider does not answer. Try again shortly.', { cause: error })
    }
  }

  return {
    authorizationUrl: (settings, { state, nonce, verifier, redirectUri }) =>
      asking(async () => {
        const client = await import('openid-client')
        return client.buildAuthorizationUrl(await configurationOf(settings), {
          response_type: 'code',
          redirect_uri: redirectUri,
          scope: 'openid email profile',
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
        const claims = granted.claims()
        if (!claims) throw new SignInRefused('The provider gave no identity.')
        // Who they are stands in the identity token; an address that is not in it is asked for.
        const told =
          typeof claims.email === 'string'
            ? claims
            : await client.fetchUserInfo(configuration, granted.access_token, claims.sub)
        return {
          issuer: claims.iss,
          subject: claims.sub,
          email: typeof told.email === 'string' && told.email_verified === true ? told.email : null,
        }
      }),
  }
}

const isNetwork = (cause: unknown): boolean =>
  cause instanceof Error && /fetch failed|ECONN|ENOTFOUND|EAI_AGAIN|timeout/i.test(`${cause.name} ${cause.message}`)

function reasonOf(error: Error): string {
  const { cause } = error
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message
}

const shortened = (text: string): string => text.replace(/\p{C}/gu, ' ').slice(0, LONGEST_REASON)
