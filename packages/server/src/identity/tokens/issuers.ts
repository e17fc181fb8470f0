import { jsonObjectIn, readText } from '@lictor/wire'
import type { createLocalJWKSet, JSONWebKeySet, JWTPayload } from 'jose'
import { Unauthenticated, Unavailable } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Fetch } from '../../ports/fetch.ts'
import { slugForm } from '../../slug.ts'
import { CONSUMER_REALM, realmsOf, tenantOfRealm } from '../../token-issuers.ts'
import type { TokenCaller } from '../caller.ts'
import { FIRST_TENANT } from '../store.ts'
import { permissionScopes, scopesOfRole } from './scopes.ts'

/** Whom a good token of another issuer stands for, before its tenant was looked at. */
export interface ForeignIdentity {
  readonly issuer: string
  readonly realm: string
  /** The `sub`; of a program, its client id. */
  readonly subject: string
  readonly identity: TokenCaller['identity']
  readonly role: string
  readonly tenantSlug: string
  readonly scopes: ReadonlySet<string>
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

export interface TokenIssuers {
  /** Whether tokens that say they are of this issuer are taken. */
  knows(issuer: unknown): boolean
  /** @throws Unauthenticated for a token that is not good; @throws Unavailable while the issuer's keys cannot be had */
  verify(token: string, issuer: string): Promise<ForeignIdentity>
}

/** What the operator says of other issuers: by settings, `LICTOR_TOKEN_…`. */
export interface TokenIssuerSettings {
  /** Each `https://id.example.com/realms/aegis-system`, or `aegis-system=https://id.example.com/`. */
  readonly tokenIssuers: readonly string[]
  readonly tokenAudience: string
  readonly tokenRoleClaim: string
  readonly tokenTierClaim: string
  readonly tokenTenantClaim: string
}

const FRESH_MS = 300_000
const STALE_MS = 3_600_000
/** A token with an unknown key makes the keys be read anew, at most so often. */
const COOLDOWN_MS = 30_000
const LIMIT_MS = 8_000
/** While there are keys, an issuer that did not answer is left alone so long: nobody waits for it with each request. */
const PAUSE_MS = 30_000
/** Bytes of a document of an issuer. */
const LARGEST_DOCUMENT = 1024 ** 2
const CLOCK_TOLERANCE_SECONDS = 5

const systemRoles: readonly unknown[] = ['aegis:admin', 'aegis:operator', 'aegis:readonly']
const tiers: readonly unknown[] = ['free', 'pro', 'business', 'enterprise']

/** Access tokens of issuers that the operator trusts, such as Keycloak: checked by the keys that each issuer publishes. */
export function createTokenIssuers(deps: { settings: TokenIssuerSettings; fetch: Fetch; clock: Clock }): TokenIssuers {
  const { settings, clock } = deps
  const realms = realmsOf(settings.tokenIssuers)
  const keySets = new Map([...realms.keys()].map((issuer) => [issuer, createKeySet(issuer, deps)]))

  async function claimsOf(token: string, issuer: string): Promise<JWTPayload> {
    const { errors, jwtVerify } = await import('jose')
    const keySet = keySets.get(issuer)
    if (!keySet) throw new Unauthenticated('Unauthorized')
    const checked = async (isRenewed: boolean) => {
      const { payload } = await jwtVerify(token, await keySet(isRenewed), {
        algorithms: ['RS256'],
        issuer,
        audience: settings.tokenAudience,
        currentDate: new Date(clock.now()),
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ['exp', 'sub'],
      })
      return payload
    }
    try {
      return await checked(false).catch((error: unknown) => {
        if (error instanceof errors.JWKSNoMatchingKey) return checked(true)
        throw error
      })
    } catch (error) {
      if (error instanceof Unavailable) throw error
      // Which claim is wrong is for whoever sets the issuer up; it helps nobody to make a signature.
      throw new Unauthenticated(`Unauthorized: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  return {
    knows: (issuer) => typeof issuer === 'string' && realms.has(issuer),
    async verify(token, issuer) {
      const claims = await claimsOf(token, issuer)
      // Keycloak signs what says who somebody is, what a session is renewed by and that one has ended with the same keys.
      if (claims.typ !== undefined && String(claims.typ).toLowerCase() !== 'bearer')
        throw new Unauthenticated('Unauthorized: this is no access token that its bearer may use')
      const realm = realms.get(issuer) ?? ''
      const { role, ...who } = identityOf(realm, claims, settings)
      const own = permissionScopes(scopeText(claims.scope))
      const allowed = scopesOfRole(role)
      return {
        ...who,
        issuer,
        realm,
        role,
        scopes: new Set(own.length > 0 ? own.filter((scope) => allowed.includes(scope)) : allowed),
        expiresAt: ((claims.exp ?? 0) + CLOCK_TOLERANCE_SECONDS) * 1000,
      }
    },
  }
}

/** Whom claims stand for, by the realm that they are of. @throws Unauthenticated for claims that no such token has */
function identityOf(
  realm: string,
  claims: JWTPayload,
  settings: TokenIssuerSettings,
): Pick<ForeignIdentity, 'identity' | 'role' | 'subject' | 'tenantSlug'> {
  const subject = textOf('sub', claims.sub)
  const tier = claims[settings.tokenTierClaim]
  if (tier !== undefined && !tiers.includes(String(tier).toLowerCase()))
    throw new Unauthenticated(`Unauthorized: no tier is named as '${settings.tokenTierClaim}' says`)
  const slug = tenantOfRealm(realm)
  if (slug !== null) return { identity: 'tenant_user', role: 'tenant:admin', subject, tenantSlug: slug }
  if (realm === CONSUMER_REALM) {
    const named = claims[settings.tokenTenantClaim]
    const isSlug = typeof named === 'string' && slugForm.test(named)
    // Of the first tenant are those who look after the installation, and nobody who only says so.
    const tenantSlug = isSlug && named !== FIRST_TENANT ? named : `u-${subject.replaceAll('-', '')}`
    return { identity: 'consumer', role: 'user', subject, tenantSlug }
  }
  const role = claims[settings.tokenRoleClaim]
  if (role !== undefined) {
    if (!systemRoles.includes(role))
      throw new Unauthenticated(`Unauthorized: no role is named as '${settings.tokenRoleClaim}' says`)
    return { identity: 'operator', role: String(role), subject, tenantSlug: FIRST_TENANT }
  }
  const program = claims.azp ?? claims.client_id
  return {
    identity: 'service_account',
    role: 'aegis:operator',
    subject: textOf('azp', program),
    tenantSlug: FIRST_TENANT,
  }
}

function textOf(name: string, claim: unknown): string {
  if (typeof claim !== 'string' || claim === '' || claim.length > 255)
    throw new Unauthenticated(`Unauthorized: the claim '${name}' is missing, or no text of at most 255 characters`)
  return claim
}

/** What a token narrows itself to; some issuers write a list. What cannot be read narrows to nothing, and is refused. */
function scopeText(claim: unknown): string {
  if (claim === undefined) return ''
  if (typeof claim === 'string') return claim
  if (Array.isArray(claim) && claim.every((one) => typeof one === 'string')) return claim.join(' ')
  throw new Unauthenticated("Unauthorized: the claim 'scope' is neither a text nor a list of texts")
}

type KeySet = ReturnType<typeof createLocalJWKSet>

/** The keys that an issuer publishes: read when needed, kept for five minutes, and up to an hour while it does not answer. */
function createKeySet(
  issuer: string,
  { fetch, clock }: { fetch: Fetch; clock: Clock },
): (isRenewed: boolean) => Promise<KeySet> {
  let held: { readonly keys: KeySet; readonly at: number } | null = null
  let reading: Promise<KeySet> | null = null
  let failedAt = Number.NEGATIVE_INFINITY

  async function documentAt(url: string): Promise<Record<string, unknown>> {
    const limit = new AbortController()
    const stop = clock.after(LIMIT_MS, () => limit.abort())
    try {
      const answer = await fetch(url, { signal: limit.signal, headers: { accept: 'application/json' } })
      if (!answer.ok) throw new Error(`${url} answered ${answer.status}`)
      const document = jsonObjectIn(await readText(answer, LARGEST_DOCUMENT))
      if (document === null) throw new Error(`${url} answered no JSON object`)
      return document
    } finally {
      stop()
    }
  }

  async function read(): Promise<KeySet> {
    const described = await documentAt(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    if (described.issuer !== issuer) throw new Error(`${issuer} says that it is ${String(described.issuer)}`)
    const published = await documentAt(String(described.jwks_uri))
    const { createLocalJWKSet } = await import('jose')
    return createLocalJWKSet(published as unknown as JSONWebKeySet)
  }

  return async (isRenewed) => {
    const age = held === null ? Number.POSITIVE_INFINITY : clock.now() - held.at
    if (held !== null && age < (isRenewed ? COOLDOWN_MS : FRESH_MS)) return held.keys
    if (held !== null && age < STALE_MS && clock.now() - failedAt < PAUSE_MS) return held.keys
    reading ??= read().finally(() => {
      reading = null
    })
    try {
      const keys = await reading
      held = { keys, at: clock.now() }
      return keys
    } catch (error) {
      failedAt = clock.now()
      if (held !== null && age < STALE_MS) return held.keys
      throw new Unavailable('The issuer of this token does not answer. Try again shortly.', { cause: error })
    }
  }
}
