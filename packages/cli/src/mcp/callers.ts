import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { RunOptions } from '@lictor/guard'
import { type Caller, NotLetIn } from '@lictor/mcp/serve'
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import { CliError } from '../errors.ts'
import type { OAuthConfig, Secret, ServeConfig, TokenConfig } from './serve-config.ts'

/** Who calls the gateway, and on whose behalf contracts judge the calls. */
export interface McpCaller extends Caller {
  readonly principal: NonNullable<RunOptions['principal']> | null
}

export interface Callers {
  /** @throws NotLetIn */
  authenticate(authorization: string | undefined): Promise<McpCaller>
  /** Documents that tell clients where tokens come from, by their paths. */
  readonly documents: ReadonlyMap<string, object>
}

const ANYONE: McpCaller = { id: 'anyone', principal: null }
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
/** Codes of the library for keys that were not had, or are none. */
const WITHOUT_KEYS = ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC']
/** Seconds that clocks may differ. */
const CLOCK_TOLERANCE = 30
/** A token that is guessed more easily is none. */
const SHORTEST_TOKEN = 16
const METADATA = '/.well-known/oauth-protected-resource'

/**
 * Bearer tokens of the configuration, and access tokens of an authorization server. Neither is handed on to a server behind.
 * @throws CliError for a token that is not there
 */
export function createCallers(
  { tokens, oauth }: Pick<ServeConfig, 'tokens' | 'oauth'>,
  environment: Readonly<Record<string, string | undefined>>,
): Callers {
  const known = tokens.map((token) => ({ token, digest: digestOf(tokenText(token, environment)) }))
  const verify = oauth === null ? null : oauthVerifier(oauth)
  const metadataUrl = oauth === null ? null : metadataOf(oauth.resource)
  const challenge = (more: string) =>
    `Bearer ${[metadataUrl === null ? 'realm="lictor"' : `resource_metadata="${metadataUrl.url}"`, more].filter(Boolean).join(', ')}`

  return {
    documents: new Map(
      oauth === null || metadataUrl === null
        ? []
        : [...new Set([METADATA, metadataUrl.path])].map((path) => [
            path,
            {
              resource: oauth.resource,
              authorization_servers: [oauth.issuer],
              bearer_methods_supported: ['header'],
              ...(oauth.scopes.length === 0 ? {} : { scopes_supported: oauth.scopes }),
            },
          ]),
    ),
    async authenticate(authorization) {
      if (known.length === 0 && verify === null) return ANYONE
      const bearer = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1]
      if (bearer === undefined)
        throw new NotLetIn(401, 'Send a bearer token in the header Authorization.', challenge(''))
      const digest = digestOf(bearer)
      // Each is compared, and in the same time, whichever it is.
      const found = known.filter((one) => timingSafeEqual(one.digest, digest))[0]
      if (found !== undefined) {
        const { name, role } = found.token
        return { id: `token ${name}`, principal: { serviceId: name, role } }
      }
      if (verify === null) throw new NotLetIn(401, 'The bearer token is not known.', challenge('error="invalid_token"'))
      return verify(bearer, challenge)
    },
  }
}

function oauthVerifier(oauth: OAuthConfig) {
  const keys = createRemoteJWKSet(new URL(oauth.jwksUrl), { timeoutDuration: 5000 })
  return async (token: string, challenge: (more: string) => string): Promise<McpCaller> => {
    let payload: JWTPayload
    try {
      const { issuer, audience } = oauth
      const verified = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE,
        requiredClaims: ['exp', 'sub'],
      })
      payload = verified.payload
    } catch (error) {
      // Keys that cannot be had say nothing about the token.
      if (!(error instanceof errors.JOSEError) || WITHOUT_KEYS.includes(error.code))
        throw new NotLetIn(503, `The keys of the issuer cannot be had: ${(error as Error).message}`, null)
      throw new NotLetIn(401, `The access token is not accepted: ${error.message}.`, challenge('error="invalid_token"'))
    }
    const scopes = scopesOf(payload)
    const missing = oauth.scopes.filter((scope) => !scopes.includes(scope))
    if (missing.length > 0)
      throw new NotLetIn(
        403,
        `The access token lacks the scope ${missing.join(', ')}.`,
        challenge(`error="insufficient_scope", scope="${oauth.scopes.join(' ')}"`),
      )
    const { sub = '', client_id } = payload
    const claims = { iss: payload.iss, scope: scopes, ...(typeof client_id === 'string' ? { client_id } : {}) }
    return { id: `oauth ${JSON.stringify([sub, client_id])}`, principal: { userId: sub, claims } }
  }
}

const scopesOf = ({ scope, scp }: JWTPayload): readonly string[] =>
  Array.isArray(scp) ? scp.map(String) : String(scope ?? scp ?? '').split(' ')

/** The document stands at the root, with the path of the resource behind its own. */
function metadataOf(resource: string): { readonly url: string; readonly path: string } {
  const { origin, pathname } = new URL(resource)
  const path = `${METADATA}${pathname === '/' ? '' : pathname}`
  return { url: `${origin}${path}`, path }
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()

function tokenText({ name, secret }: TokenConfig, environment: Readonly<Record<string, string | undefined>>): string {
  const text = readSecret(secret, environment, `The token '${name}'`)
  if (text.length >= SHORTEST_TOKEN) return text
  throw new CliError(
    'token_short',
    `The token '${name}' has ${text.length} characters: at least ${SHORTEST_TOKEN} are needed.`,
    {
      exitCode: 2,
      hint: '`openssl rand -hex 32` makes one.',
    },
  )
}

/** @throws CliError where it is not there */
export function readSecret(
  secret: Secret,
  environment: Readonly<Record<string, string | undefined>>,
  what: string,
): string {
  if ('env' in secret) {
    const text = environment[secret.env]
    if (text) return text
    throw new CliError('secret_missing', `${what} is to be in the variable ${secret.env}, which is not set.`, {
      exitCode: 2,
    })
  }
  try {
    return readFileSync(secret.file, 'utf8').trim()
  } catch (cause) {
    throw new CliError('secret_missing', `${what} cannot be read: ${(cause as Error).message}`, { exitCode: 2, cause })
  }
}
