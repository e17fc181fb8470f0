import type { Configuration, ServerMetadata, TokenEndpointResponse } from 'openid-client'
import type { Clock } from '../../ports/clock.ts'
import type { Fetch } from '../../ports/fetch.ts'
import { microsOf } from '../../storage/instants.ts'
import { GrantGone, ProviderAway } from '../credentials/renewal.ts'
import type { TokenSet } from '../credentials/tokens.ts'
import { isLoopback, type Provider } from './provider.ts'

/** The provider refused. The message is its own, shortened. */
export class ProviderRefused extends Error {
  override readonly name = 'ProviderRefused'
  /** Its OAuth error code. */
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export interface DeviceAuthorization {
  readonly deviceCode: string
  readonly userCode: string
  readonly verificationUri: string
  readonly verificationUriComplete: string | null
  /** Seconds. */
  readonly expiresIn: number
  readonly interval: number
}

/** What is said to authorization servers. Each call throws ProviderAway when there is no answer, ProviderRefused when it is no. */
export interface OAuthProtocol {
  /** The address that a person opens. `verifier` is kept; only its digest leaves. */
  authorizationUrl(
    provider: Provider,
    request: { state: string; verifier: string; redirectUri: string; scopes: readonly string[] },
  ): Promise<string>
  redeem(
    provider: Provider,
    answer: { code: string; state: string; issuer: string | null; verifier: string; redirectUri: string },
  ): Promise<TokenSet>
  beginDevice(provider: Provider, scopes: readonly string[]): Promise<DeviceAuthorization>
  /** @throws ProviderRefused with `authorization_pending`, `slow_down`, `access_denied` or `expired_token` while there is no token */
  redeemDevice(provider: Provider, deviceCode: string): Promise<TokenSet>
  /** @throws GrantGone also. */
  renew(provider: Provider, refreshToken: string): Promise<TokenSet>
}

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const LIMIT_SECONDS = 15
const LONGEST_REASON = 300

/** OAuth 2 by `openid-client`, loaded when it is first needed. */
export function createOAuthProtocol({ fetch, clock }: { fetch: Fetch; clock: Clock }): OAuthProtocol {
  const library = () => import('openid-client')

  async function configurationOf(provider: Provider): Promise<Configuration> {
    const client = await library()
    const { settings } = provider
    const authentication =
      settings.authentication === 'none'
        ? client.None()
        : settings.authentication === 'client_secret_basic'
          ? client.ClientSecretBasic(settings.clientSecret ?? '')
          : client.ClientSecretPost(settings.clientSecret ?? '')
    const prepare = (configuration: Configuration, isLocal: boolean): Configuration => {
      configuration[client.customFetch] = fetch as never
      configuration.timeout = LIMIT_SECONDS
      if (isLocal) client.allowInsecureRequests(configuration)
      return configuration
    }
    let server: ServerMetadata = {
      issuer: settings.issuer ?? new URL(settings.tokenUrl ?? '').origin,
      ...(settings.authorizationUrl === null ? {} : { authorization_endpoint: settings.authorizationUrl }),
      ...(settings.tokenUrl === null ? {} : { token_endpoint: settings.tokenUrl }),
      ...(settings.deviceAuthorizationUrl === null
        ? {}
        : { device_authorization_endpoint: settings.deviceAuthorizationUrl }),
    }
    if (settings.issuer !== null) {
      const isLocal = isLoopback(settings.issuer)
      const found = await client.discovery(new URL(settings.issuer), settings.clientId, undefined, authentication, {
        [client.customFetch]: fetch as never,
        timeout: LIMIT_SECONDS,
        ...(isLocal ? { execute: [client.allowInsecureRequests] } : {}),
      })
      const { supportsPKCE: _, ...metadata } = found.serverMetadata()
      // Pages that forward an answer forward `code` and `state`; who also forwards `iss` has it compared.
      server = { ...metadata, ...server, authorization_response_iss_parameter_supported: false }
    }
    for (const endpoint of [server.authorization_endpoint, server.token_endpoint, server.device_authorization_endpoint])
      if (endpoint !== undefined && !endpoint.startsWith('https:') && !isLoopback(endpoint))
        throw new ProviderRefused('insecure', `The provider '${provider.name}' names an endpoint that is not https.`)
    return prepare(
      new client.Configuration(server, settings.clientId, {}, authentication),
      isLoopback(server.token_endpoint ?? server.issuer),
    )
  }

  /** What the library says of a failure, as what it means here. Nothing that was sent or received is repeated. */
  async function asking<T>(provider: Provider, work: () => Promise<T>): Promise<T> {
    const client = await library()
    try {
      return await work()
    } catch (error) {
      if (error instanceof ProviderRefused) throw error
      if (error instanceof client.ResponseBodyError && error.status < 500 && error.status !== 429)
        throw new ProviderRefused(error.error, reasonOf(error.error, error.error_description))
      if (error instanceof client.AuthorizationResponseError)
        throw new ProviderRefused(error.error, reasonOf(error.error, error.error_description))
      if (isMisuse(error))
        throw new ProviderRefused('invalid_response', `${provider.name}: ${(error as Error).message}`)
      throw new ProviderAway(messageOf(error))
    }
  }

  function tokensOf(answer: TokenEndpointResponse, asked: readonly string[]): TokenSet {
    return {
      accessToken: answer.access_token,
      refreshToken: answer.refresh_token ?? null,
      expiresAt: answer.expires_in === undefined ? null : microsOf(clock.now() + answer.expires_in * 1000),
      scopes: answer.scope === undefined ? asked : answer.scope.split(/[\s,]+/).filter((scope) => scope !== ''),
    }
  }

  return {
    authorizationUrl: (provider, { state, verifier, redirectUri, scopes }) =>
      asking(provider, async () => {
        const client = await library()
        const configuration = await configurationOf(provider)
        if (configuration.serverMetadata().authorization_endpoint === undefined)
          throw new ProviderRefused('unsupported', `The provider '${provider.name}' has no authorization endpoint.`)
        return client.buildAuthorizationUrl(configuration, {
          ...provider.settings.parameters,
          response_type: 'code',
          redirect_uri: redirectUri,
          state,
          code_challenge: await client.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
          ...(scopes.length > 0 ? { scope: scopes.join(' ') } : {}),
        }).href
      }),
    redeem: (provider, { code, state, issuer, verifier, redirectUri }) =>
      asking(provider, async () => {
        const client = await library()
        const answer = new URL(redirectUri)
        answer.searchParams.set('code', code)
        answer.searchParams.set('state', state)
        if (issuer !== null) answer.searchParams.set('iss', issuer)
        const granted = await client.authorizationCodeGrant(await configurationOf(provider), answer, {
          pkceCodeVerifier: verifier,
          expectedState: state,
        })
        return tokensOf(granted, [])
      }),
    beginDevice: (provider, scopes) =>
      asking(provider, async () => {
        const client = await library()
        const configuration = await configurationOf(provider)
        if (configuration.serverMetadata().device_authorization_endpoint === undefined)
          throw new ProviderRefused('unsupported', `The provider '${provider.name}' has no device flow.`)
        const given = await client.initiateDeviceAuthorization(
          configuration,
          scopes.length > 0 ? { scope: scopes.join(' ') } : {},
        )
        return {
          deviceCode: given.device_code,
          userCode: given.user_code,
          verificationUri: given.verification_uri,
          verificationUriComplete: given.verification_uri_complete ?? null,
          expiresIn: given.expires_in,
          interval: given.interval ?? 5,
        }
      }),
    redeemDevice: (provider, deviceCode) =>
      asking(provider, async () => {
        const client = await library()
        const parameters = { device_code: deviceCode }
        return tokensOf(await client.genericGrantRequest(await configurationOf(provider), DEVICE_GRANT, parameters), [])
      }),
    renew: async (provider, refreshToken) => {
      try {
        return await asking(provider, async () => {
          const client = await library()
          return tokensOf(await client.refreshTokenGrant(await configurationOf(provider), refreshToken), [])
        })
      } catch (error) {
        if (error instanceof ProviderRefused && error.code === 'invalid_grant') throw new GrantGone(error.message)
        if (error instanceof ProviderRefused) throw new ProviderAway(error.message)
        throw error
      }
    },
  }
}

/** The library's own complaints about an answer that is none. */
const isMisuse = (error: unknown): boolean => {
  const code = (error as { code?: unknown } | null)?.code
  return (
    typeof code === 'string' && /^OAUTH_(INVALID|JWT|UNSUPPORTED|KEY|MISSING|HTTP_REQUEST_FORBIDDEN|PARSE)/.test(code)
  )
}

const reasonOf = (code: string, description: string | undefined): string =>
  description === undefined ? code : `${code}: ${description.slice(0, LONGEST_REASON)}`

function messageOf(error: unknown): string {
  for (let one: unknown = error; one instanceof Error; one = one.cause)
    if (!(one.cause instanceof Error)) return one.message.slice(0, LONGEST_REASON)
  return 'no answer'
}
