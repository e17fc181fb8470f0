import { BadRequest, DomainError, Forbidden, NotFound, Unavailable } from '../../errors.ts'
import { digestOf } from '../../identity/opaque-tokens.ts'
import { scopeOf, systemScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import { type Credential, type CredentialCaller, ownerOf } from '../credentials/credential.ts'
import type { Credentials } from '../credentials/credentials.ts'
import { GrantGone, ProviderAway, type TokenProvider } from '../credentials/renewal.ts'
import type { TokenSet } from '../credentials/tokens.ts'
import type { BrowserFlow, DeviceFlow } from './flow.ts'
import { type DeviceAuthorization, type OAuthProtocol, ProviderRefused } from './protocol.ts'
import { completed, type Provider, type ProviderSettings, requireProvider } from './provider.ts'
import type { OAuthStore } from './store.ts'

export interface SignInRequest {
  readonly provider: string
  /** What the credential will be called; the provider's name where null. */
  readonly label: string | null
  readonly scope: string
  readonly scopes: readonly string[] | null
  /** Sign in again for this one; null makes a new one. */
  readonly credentialId: string | null
}

export type DevicePoll =
  | { readonly status: 'pending'; readonly provider: string; readonly interval: number }
  | { readonly status: 'denied' | 'expired'; readonly provider: string }
  | { readonly status: 'approved'; readonly provider: string; readonly credential: Credential }

/** Signing in at providers. A sign-in belongs to who began it, lasts ten minutes and is good for one answer, on any node. */
export interface OAuth {
  /** @throws InvalidInput, Forbidden for who is no operator */
  putProvider(caller: CredentialCaller, name: string, settings: ProviderSettings): Promise<Provider>
  listProviders(caller: CredentialCaller): Promise<Provider[]>
  getProvider(caller: CredentialCaller, name: string): Promise<Provider>
  deleteProvider(caller: CredentialCaller, name: string): Promise<void>
  /** @throws NotFound for an unknown provider, BadRequest for a redirect URI that is not on its list, Unavailable. */
  initiate(
    caller: CredentialCaller,
    request: SignInRequest & { readonly redirectUri: string | null },
  ): Promise<{ url: string; state: string; redirectUri: string; expiresAt: Micros }>
  /** @throws BadRequest for a state that is unknown, expired, used, or somebody else's; and when the provider refused. */
  callback(
    caller: CredentialCaller,
    answer: {
      readonly state: string
      readonly code: string | null
      readonly issuer: string | null
      readonly provider: string | null
      /** What the provider says instead of a code. */
      readonly error: string | null
    },
  ): Promise<Credential>
  initiateDevice(
    caller: CredentialCaller,
    request: SignInRequest,
  ): Promise<Omit<DeviceAuthorization, 'deviceCode'> & { deviceCode: string; expiresAt: Micros; provider: string }>
  pollDevice(caller: CredentialCaller, deviceCode: string, provider: string | null): Promise<DevicePoll>
  readonly tokens: TokenProvider
  /** Forget sign-ins that nobody finished. */
  sweep(): Promise<void>
}

const FLOW_MICROS = 600_000_000
const NOT_FOUND = 'OAuth provider not found'
const BAD_STATE = 'OAuth state invalid or expired'
const BAD_DEVICE = 'Device code invalid or expired'

export function createOAuth(deps: {
  store: OAuthStore
  protocol: OAuthProtocol
  credentials: () => Credentials
  clock: Clock
  random: Random
}): OAuth {
  const { store, protocol, credentials, clock, random } = deps
  const now = () => microsOf(clock.now())

  async function find(scope: Parameters<OAuthStore['findProvider']>[0], name: string): Promise<Provider> {
    const provider = await store.findProvider(scope, name)
    if (!provider)
      throw new DomainError(
        404,
        NOT_FOUND,
        `There is no OAuth provider '${name.slice(0, 100)}'. An operator sets it up with PUT /v1/credentials/providers/{name}.`,
      )
    return provider
  }

  /** Who is signed in again must be there, and the caller's. */
  async function begin(caller: CredentialCaller, request: SignInRequest) {
    const provider = await find(scopeOf(caller), request.provider)
    if (request.credentialId !== null) {
      const { credential } = await credentials().get(caller, request.credentialId)
      if (credential.type !== 'oauth2' || credential.provider !== provider.name)
        throw new BadRequest(
          `The credential '${credential.label}' is none of the provider '${provider.name}'.`,
          'other_provider',
        )
    }
    return {
      provider,
      flow: {
        tenantId: caller.tenantId,
        provider: provider.name,
        startedBy: ownerOf(caller),
        createdAt: now(),
        label: request.label ?? provider.name,
        scope: request.scope,
        scopes: request.scopes ?? provider.settings.scopes,
        credentialId: request.credentialId,
      },
    }
  }

  const keep = (caller: CredentialCaller, flow: BrowserFlow | DeviceFlow, tokens: TokenSet): Promise<Credential> =>
    credentials().keepTokens(
      caller,
      {
        id: flow.credentialId,
        label: flow.label,
        provider: flow.provider,
        type: 'oauth2',
        scope: flow.scope,
        metadata: {},
      },
      tokens.scopes.length > 0 ? tokens : { ...tokens, scopes: flow.scopes },
    )

  function requireOperator(caller: CredentialCaller): void {
    const isOperator =
      caller.kind === 'user' ? caller.isAdmin : caller.identity === 'operator' || caller.identity === 'service_account'
    if (!isOperator) throw new Forbidden('Operator or Admin role required', 'Operator or Admin role required')
  }

  return {
    async putProvider(caller, name, given) {
      requireOperator(caller)
      const existing = await store.findProvider(scopeOf(caller), name)
      // A secret that is left out, or comes back masked, stays as it was.
      const isKept = given.clientSecret === null || /^\*+$/.test(given.clientSecret)
      const clientSecret = isKept ? (existing?.settings.clientSecret ?? null) : given.clientSecret
      const settings = completed(name, {
        ...given,
        clientSecret: given.authentication === 'none' ? null : clientSecret,
      })
      requireProvider(name, settings)
      return store.putProvider(scopeOf(caller), name, settings, now())
    },
    listProviders: (caller) => store.listProviders(scopeOf(caller)),
    getProvider: (caller, name) => find(scopeOf(caller), name),
    async deleteProvider(caller, name) {
      requireOperator(caller)
      if (!(await store.deleteProvider(scopeOf(caller), name))) throw new NotFound(NOT_FOUND, NOT_FOUND)
    },

    async initiate(caller, request) {
      const { provider, flow } = await begin(caller, request)
      const redirectUri = request.redirectUri ?? provider.settings.redirectUris[0] ?? ''
      requireListed(provider, redirectUri)
      const state = Buffer.from(random.bytes(32)).toString('hex')
      const verifier = Buffer.from(random.bytes(64)).toString('hex')
      const url = await answered(() =>
        protocol.authorizationUrl(provider, { state, verifier, redirectUri, scopes: flow.scopes }),
      )
      const expiresAt = flow.createdAt + FLOW_MICROS
      await store.insertFlow({ ...flow, kind: 'browser', id: digestOf(state), verifier, redirectUri, expiresAt })
      return { url, state, redirectUri, expiresAt }
    },

    async callback(caller, { state, code, issuer, provider: named, error }) {
      const key = { id: digestOf(state), kind: 'browser', startedBy: ownerOf(caller) } as const
      const seen = await store.findFlow(scopeOf(caller), key, now())
      if (seen && named !== null && named !== seen.provider) throw new BadRequest(BAD_STATE, BAD_STATE)
      const flow = await store.takeFlow(scopeOf(caller), key, now())
      if (flow?.kind !== 'browser') throw new BadRequest(BAD_STATE, BAD_STATE)
      if (error !== null)
        throw new BadRequest(`The provider '${flow.provider}' refused: ${error.slice(0, 300)}.`, 'provider_refused')
      if (code === null || code === '') throw new BadRequest('The answer of the provider has no code.', 'no_code')
      const provider = await find(scopeOf(caller), flow.provider)
      requireListed(provider, flow.redirectUri)
      const tokens = await answered(() =>
        protocol.redeem(provider, { code, state, issuer, verifier: flow.verifier, redirectUri: flow.redirectUri }),
      )
      return keep(caller, flow, tokens)
    },

    async initiateDevice(caller, request) {
      const { provider, flow } = await begin(caller, request)
      const given = await answered(() => protocol.beginDevice(provider, flow.scopes))
      const handle = Buffer.from(random.bytes(32)).toString('base64url')
      const expiresAt = flow.createdAt + Math.min(given.expiresIn * 1_000_000, FLOW_MICROS * 3)
      await store.insertFlow({
        ...flow,
        kind: 'device',
        id: digestOf(handle),
        deviceCode: given.deviceCode,
        interval: given.interval,
        askAt: flow.createdAt + given.interval * 1_000_000,
        expiresAt,
      })
      return { ...given, deviceCode: handle, expiresAt, provider: provider.name }
    },

    async pollDevice(caller, handle, named) {
      const scope = scopeOf(caller)
      const key = { id: digestOf(handle), kind: 'device', startedBy: ownerOf(caller) } as const
      const flow = await store.findFlow(scope, key, now())
      if (flow?.kind !== 'device' || (named !== null && named !== flow.provider))
        throw new BadRequest(BAD_DEVICE, BAD_DEVICE)
      const { provider: name } = flow
      if (now() < flow.askAt) return { status: 'pending', provider: name, interval: flow.interval }
      const provider = await find(scope, name)
      try {
        const tokens = await protocol.redeemDevice(provider, flow.deviceCode)
        await store.takeFlow(scope, key, now())
        return { status: 'approved', provider: name, credential: await keep(caller, flow, tokens) }
      } catch (error) {
        if (!(error instanceof ProviderRefused)) throw meaning(error)
        switch (error.code) {
          case 'authorization_pending':
          case 'slow_down': {
            const interval = flow.interval + (error.code === 'slow_down' ? 5 : 0)
            await store.updateFlow({ ...flow, interval, askAt: now() + interval * 1_000_000 })
            return { status: 'pending', provider: name, interval }
          }
          case 'access_denied':
          case 'expired_token':
            await store.takeFlow(scope, key, now())
            return { status: error.code === 'access_denied' ? 'denied' : 'expired', provider: name }
          default:
            throw meaning(error)
        }
      }
    },

    tokens: {
      async renew(scope, name, refreshToken) {
        const provider = await store.findProvider(scope, name)
        if (!provider) throw new ProviderAway(`there is no OAuth provider '${name}' any more`)
        return protocol.renew(provider, refreshToken)
      },
    },
    sweep: () => store.deleteExpired(systemScope, now()),
  }
}

function requireListed({ settings, name }: Provider, redirectUri: string): void {
  if (settings.redirectUris.includes(redirectUri)) return
  const text = 'OAuth redirect_uri not in provider allowlist'
  throw new BadRequest(
    redirectUri === '' ? `${text}: the provider '${name}' lists none.` : `${text}: '${redirectUri.slice(0, 200)}'.`,
    text,
  )
}

async function answered<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw meaning(error)
  }
}

function meaning(error: unknown): unknown {
  if (error instanceof ProviderRefused)
    return new BadRequest(`The provider refused: ${error.message}. Begin the sign-in again.`, 'provider_refused')
  if (error instanceof ProviderAway || error instanceof GrantGone)
    return new Unavailable(`The provider did not answer: ${error.message}.`, {
      cause: error,
      code: 'provider_unavailable',
      retryAfter: 5,
    })
  return error
}
