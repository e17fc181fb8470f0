import type { FastifyRequest } from 'fastify'
import type { JWTPayload } from 'jose'
import { DomainError, Forbidden, Unauthenticated } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { TokenCaller } from '../caller.ts'
import { digestOf } from '../opaque-tokens.ts'
import { FIRST_TENANT } from '../store.ts'
import { requireActive } from '../suspension.ts'
import type { IdentityTelling } from '../telling.ts'
import type { TokenIssuers } from './issuers.ts'
import { permissionScopes, scopesOfAccount } from './scopes.ts'
import type { ServiceAccounts } from './service-accounts.ts'
import type { AccessStore } from './store.ts'
import type { TokenKeys } from './token-keys.ts'

/** Whom access tokens are for. */
export const AUDIENCE = 'lictor'
/** Seconds an access token is good for; well above the 30 s before its end at which clients fetch the next. */
export const TOKEN_LIFETIME_SECONDS = 300
const CLOCK_TOLERANCE_SECONDS = 5

export interface IssuedToken {
  readonly accessToken: string
  readonly expiresIn: number
  readonly scope: string
}

export interface Tokens {
  issuerOf(realm: string): string
  /** Client credentials for a token. @throws DomainError with the OAuth2 error code. */
  issue(realm: string, form: URLSearchParams): Promise<IssuedToken>
  /** Whom a request's bearer token stands for. @throws Unauthenticated, Forbidden. */
  authenticate(request: FastifyRequest): Promise<TokenCaller>
  /** The same for a token that came another way than the header. @throws Unauthenticated. */
  verify(token: string): Promise<TokenCaller>
  /** What a service account may do at present, by its client id; null when it is revoked or unknown. */
  standingOf(clientId: string): Promise<TokenCaller | null>
}

/** Access tokens: RS256, short-lived, of this server's own issuer; and those of issuers that the operator trusts. */
export function createTokens(deps: {
  store: AccessStore
  tokenKeys: TokenKeys
  serviceAccounts: ServiceAccounts
  /** Whom API keys stand for. */
  keys: { verify(key: string): Promise<TokenCaller> }
  issuers: TokenIssuers
  telling: Pick<IdentityTelling, 'tell' | 'refused'>
  clock: Clock
  random: Random
  /** Public address of this server, no trailing slash. */
  baseUrl: string
}): Tokens {
  const { store, tokenKeys, serviceAccounts, issuers, telling, clock, random, baseUrl } = deps
  const toldOf = createSeen(clock)
  const issuerOf = (realm: string): string => `${baseUrl}/realms/${realm}`
  const isOwnIssuer = (issuer: unknown): boolean =>
    typeof issuer === 'string' &&
    /^[a-z0-9-]+$/.test(issuer.slice(issuerOf('').length)) &&
    issuer.startsWith(issuerOf(''))

  async function claimsOf(token: string): Promise<JWTPayload> {
    const { decodeProtectedHeader, jwtVerify } = await import('jose')
    const { kid } = decodeProtectedHeader(token)
    const key = typeof kid === 'string' ? await tokenKeys.find(kid) : null
    if (!key) throw new Error('unknown key')
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['RS256'],
      audience: AUDIENCE,
      currentDate: new Date(clock.now()),
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ['exp', 'sub', 'iss'],
    })
    if (!isOwnIssuer(payload.iss)) throw new Error('foreign issuer')
    return payload
  }

  async function verify(token: string): Promise<TokenCaller> {
    if (token.startsWith('aegis_')) return deps.keys.verify(token)
    const issuer = await issuerNamedIn(token)
    if (issuer !== null && issuers.knows(issuer)) return verifyForeign(token, issuer)
    const claims = await claimsOf(token).catch((error: unknown) => {
      const expired = expiredClaimsOf(error)
      if (expired) refused(expired, 'expired')
      return null
    })
    const account = claims && typeof claims.azp === 'string' ? await store.findAccount(claims.azp) : null
    if (claims && account?.id !== claims.sub) refused(claims, 'revoked')
    if (!claims || !account || account.id !== claims.sub) throw new Unauthenticated('Unauthorized')
    requireActive(account.tenant.status)
    // A token that was issued before the account was allowed less gives no more than the account has now.
    const allowed = scopesOfAccount(account)
    const own = permissionScopes(typeof claims.scope === 'string' ? claims.scope : '')
    return {
      kind: 'token',
      subject: account.clientId,
      tenantId: account.tenantId,
      identity: 'service_account',
      role: account.role,
      isOfFirstTenant: account.tenant.slug === FIRST_TENANT,
      scopes: new Set(own.length > 0 ? own.filter((scope) => allowed.includes(scope)) : allowed),
    }
  }

  async function verifyForeign(token: string, issuer: string): Promise<TokenCaller> {
    const { tenantSlug, realm, expiresAt, subject, identity, role, scopes } = await issuers.verify(token, issuer)
    const tenant = await store.findTenant(tenantSlug)
    if (!tenant) throw new Forbidden(`There is no tenant '${tenantSlug}', which this token is of.`, 'unknown_tenant')
    requireActive(tenant.status)
    if (toldOf.isNew(digestOf(token), expiresAt))
      await telling.tell({ kind: 'authenticated', tenantId: tenant.id, subject, realm, identity })
    // Only the realm of the system is of those who look after the installation.
    const isOfFirstTenant = identity === 'operator' || identity === 'service_account'
    return {
      kind: 'token',
      subject,
      tenantId: tenant.id,
      identity,
      role,
      scopes,
      isOfFirstTenant,
      foreign: { issuer, expiresAt },
    }
  }

  /** Told of tokens that this server signed: nobody else can say which tenant one is of. */
  function refused({ tenant_id: tenantId, azp, iss }: JWTPayload, reason: string): void {
    if (typeof tenantId !== 'string' || typeof azp !== 'string' || !isOwnIssuer(iss)) return
    const realm = (iss ?? '').slice(issuerOf('').length)
    telling.refused({ kind: 'refused', tenantId, subject: azp, realm, reason })
  }

  return {
    issuerOf,
    verify,
    async standingOf(clientId) {
      const account = await store.findAccount(clientId)
      if (account?.tenant.status !== 'active') return null
      return {
        kind: 'token',
        subject: account.clientId,
        tenantId: account.tenantId,
        identity: 'service_account',
        role: account.role,
        isOfFirstTenant: account.tenant.slug === FIRST_TENANT,
        scopes: new Set(scopesOfAccount(account)),
      }
    },
    async issue(realm, form) {
      const grant = form.get('grant_type')
      if (grant === null) throw new DomainError(400, 'invalid_request', 'Missing form parameter: grant_type')
      if (grant !== 'client_credentials')
        throw new DomainError(400, 'unsupported_grant_type', 'Only the grant type client_credentials is supported.')
      const clientId = form.get('client_id')
      const secret = form.get('client_secret')
      if (!clientId || !secret)
        throw new DomainError(400, 'invalid_request', 'The form needs client_id and client_secret.')
      const account = await serviceAccounts.authenticate(clientId, secret, ({ tenantId }) =>
        telling.refused({ kind: 'refused', tenantId, subject: clientId, realm, reason: 'invalid_client_secret' }),
      )
      if (!account) throw new DomainError(401, 'invalid_client', 'Invalid client or invalid client credentials.')
      requireActive(account.tenant.status)
      const scope = scopesOfAccount(account).join(' ')
      const now = Math.floor(clock.now() / 1000)
      const accessToken = await tokenKeys.sign({
        iss: issuerOf(realm),
        aud: AUDIENCE,
        sub: account.id,
        azp: account.clientId,
        jti: random.uuid(),
        iat: now,
        exp: now + TOKEN_LIFETIME_SECONDS,
        tenant_id: account.tenantId,
        scope,
      })
      await telling.tell({
        kind: 'authenticated',
        tenantId: account.tenantId,
        subject: account.clientId,
        realm,
        identity: 'service_account',
      })
      return { accessToken, expiresIn: TOKEN_LIFETIME_SECONDS, scope }
    },
    async authenticate(request) {
      return verify(streamToken(request) ?? headerToken(request))
    },
  }
}

/** What a token says of its issuer, unproven; null where it says nothing. */
async function issuerNamedIn(token: string): Promise<string | null> {
  const { decodeJwt } = await import('jose')
  try {
    return decodeJwt(token).iss ?? null
  } catch {
    return null
  }
}

const MOST_SEEN = 10_000

/** Which tokens have come before, until they are over; of very many at once, the oldest are forgotten. */
function createSeen(clock: Clock): { isNew(digest: string, expiresAt: number): boolean } {
  const seen = new Map<string, number>()
  return {
    isNew(digest, expiresAt) {
      if (seen.has(digest)) return false
      for (const [other, until] of seen) {
        if (until > clock.now() && seen.size < MOST_SEEN) break
        seen.delete(other)
      }
      seen.set(digest, expiresAt)
      return true
    },
  }
}

/** What a token said that was good but for its time: `jose` looks at it after the signature. */
function expiredClaimsOf(error: unknown): JWTPayload | null {
  const { code, payload } = error as { code?: unknown; payload?: JWTPayload }
  return code === 'ERR_JWT_EXPIRED' && payload ? payload : null
}

function headerToken(request: FastifyRequest): string {
  const header = request.headers.authorization
  if (header === undefined) throw new Unauthenticated('Missing Authorization header')
  const token = /^Bearer +(\S+)$/i.exec(header)?.[1]
  if (!token) throw new Unauthenticated('Invalid Authorization header format')
  return token
}

/** Streams may carry their token in the query, and it then speaks instead of the header. */
function streamToken(request: FastifyRequest): string | null {
  if (!/^\/v1\/executions\/:id\/(stream|events)$/.test(request.routeOptions.url ?? '')) return null
  const { token } = request.query as { token?: unknown }
  return typeof token === 'string' && token !== '' ? token : null
}
