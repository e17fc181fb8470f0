import { AegisConnectionError, AegisProtocolError, AegisTokenError, AegisUsageError } from './errors.ts'
import type { AegisClientOptions } from './options.ts'

const assumedLifetimeSecs = 300
const defaultBufferSecs = 30

/** Where the bearer token of a call comes from. */
export interface TokenSource {
  /** The token to send now; `undefined` when calls go without one. */
  get(): Promise<string | undefined>
  /** The server refused `token`. @returns whether another can be had. */
  refused(token: string): boolean
}

/** Sends one token request and returns status and body. Retries are the sender's affair. */
export type TokenRequest = (url: string, form: URLSearchParams) => Promise<{ status: number; text: string }>

/**
 * The token source the options ask for: the bearer token as it is, or client credentials exchanged at the Keycloak
 * path, or none.
 *
 * @throws AegisUsageError when only half of the credentials are given
 */
export function tokenSource(options: AegisClientOptions, now: () => number, request: TokenRequest): TokenSource {
  const { bearerToken, clientId, clientSecret } = options
  if (bearerToken) return { get: async () => bearerToken, refused: () => false }
  if (!clientId && !clientSecret) return { get: async () => undefined, refused: () => false }
  if (!clientId || !clientSecret) {
    throw new AegisUsageError(`client credentials need ${clientId ? 'clientSecret' : 'clientId'} as well`)
  }
  const issuer = (options.keycloakUrl || options.baseUrl).replace(/\/+$/, '')
  const realm = encodeURIComponent(options.realm || 'aegis-system')
  const url = `${issuer}/realms/${realm}/protocol/openid-connect/token`
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
  })
  const bufferMs = (options.tokenRefreshBufferSecs ?? defaultBufferSecs) * 1_000

  let held: { readonly token: string; readonly staleAt: number } | undefined
  let fetching: Promise<string> | undefined

  const fetchToken = async (): Promise<string> => {
    const askedAt = now()
    // A failure here is final for the call: the request for the token had its own retries.
    const { status, text } = await request(url, form).catch((cause: unknown) => {
      if (!(cause instanceof AegisConnectionError)) throw cause
      throw new AegisTokenError(undefined, `Failed to fetch access token from ${url}: ${cause.message}`, { cause })
    })
    if (status !== 200) {
      throw new AegisTokenError(
        status,
        `Failed to fetch access token from ${url}: HTTP ${status} — ${text.slice(0, 500)}`,
      )
    }
    const { token, lifetimeSecs } = readToken(text, url)
    held = { token, staleAt: askedAt + lifetimeSecs * 1_000 - bufferMs }
    return token
  }
  return {
    get() {
      if (held && now() < held.staleAt) return Promise.resolve(held.token)
      // Calls that find no token together share one request for it.
      fetching ??= fetchToken().finally(() => {
        fetching = undefined
      })
      return fetching
    },
    refused(token) {
      if (held?.token === token) held = undefined
      return true
    },
  }
}

function readToken(text: string, url: string): { token: string; lifetimeSecs: number } {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    throw new AegisProtocolError(`the token endpoint ${url} did not answer with JSON`, { cause })
  }
  const { access_token: token, expires_in: expiresIn } = (body ?? {}) as Record<string, unknown>
  if (typeof token !== 'string' || token === '') {
    throw new AegisProtocolError(`the token endpoint ${url} answered without access_token`)
  }
  const lifetimeSecs = Number(expiresIn ?? assumedLifetimeSecs)
  return { token, lifetimeSecs: Number.isFinite(lifetimeSecs) ? lifetimeSecs : assumedLifetimeSecs }
}
