import { fromBase64Url, fromUtf8, toUtf8 } from '../bytes.ts'
import { SEALError } from '../error.ts'
import { parseJson } from '../json/parse.ts'
import { toValue } from '../json/value.ts'

/** How a security token may be signed. What a token itself says about it is compared with this, never followed. */
export type TokenAlgorithm = 'RS256' | 'EdDSA'

/** What a security token says: who, under which context, until when. */
export interface SecurityTokenClaims {
  /** The agent. */
  readonly sub: string
  readonly exec_id: string
  /** Name of the security context. */
  readonly scp: string
  /** The workload. */
  readonly wid: string
  readonly iss: string
  readonly aud: string | readonly string[]
  /** Unix seconds. */
  readonly exp: number
  readonly iat?: number
  readonly jti: string
  readonly tenant_id: string
  readonly [claim: string]: unknown
}

export interface TokenExpectations {
  readonly algorithm: TokenAlgorithm
  readonly issuer: string
  readonly audience: string
  /** Milliseconds since 1970 (the machine's clock). */
  readonly now?: () => number
}

export interface ReadToken {
  readonly signed: Uint8Array<ArrayBuffer>
  readonly signature: Uint8Array<ArrayBuffer>
  readonly claims: Readonly<Record<string, unknown>>
}

const LONGEST_LIFE_SECONDS = 86_400
const LONGEST_TOKEN = 16_384

/** The parts of a token that is signed as expected; its signature is still to be verified. @throws SEALError `token_invalid` */
export function readToken(token: string, algorithm: TokenAlgorithm): ReadToken {
  if (algorithm !== 'RS256' && algorithm !== 'EdDSA')
    throw new TypeError(`A security token is signed with RS256 or EdDSA, not '${String(algorithm)}'.`)
  const parts = typeof token === 'string' && token.length <= LONGEST_TOKEN ? token.split('.') : []
  const [header = '', payload = '', signature = ''] = parts
  const bytes = fromBase64Url(signature)
  if (parts.length !== 3 || !bytes || bytes.length === 0) throw invalid('it has not three parts of base64url')
  const { alg, crit } = objectIn(header)
  if (alg !== algorithm) throw invalid(`it is not signed with ${algorithm}`)
  if (crit !== undefined) throw invalid('it demands an extension')
  return { signed: toUtf8(`${header}.${payload}`), signature: bytes, claims: objectIn(payload) }
}

function objectIn(part: string): Record<string, unknown> {
  const bytes = fromBase64Url(part)
  const text = bytes && fromUtf8(bytes)
  if (!text) throw invalid('a part of it is no text in base64url')
  try {
    const value = toValue(parseJson(text))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Told below, without the text: it may be somebody's token.
  }
  throw invalid('a part of it is no JSON object')
}

/** Judge the claims of a token whose signature was verified. @throws SEALError `token_expired` or `token_invalid` */
export function requireClaims(
  claims: Readonly<Record<string, unknown>>,
  { issuer, audience, now = Date.now }: TokenExpectations,
): SecurityTokenClaims {
  if (issuer === '' || audience === '')
    throw new TypeError('A security token is verified against an issuer and an audience.')
  if (claims.iss !== issuer) throw invalid('it has another issuer')
  const audiences: readonly unknown[] = Array.isArray(claims.aud) ? claims.aud : [claims.aud]
  if (!audiences.includes(audience)) throw invalid('it is for another audience')
  const seconds = Math.floor(now() / 1000)
  if (!Number.isFinite(seconds)) throw new RangeError('The clock must be a number.')
  const { exp, iat, nbf } = claims
  if (typeof exp !== 'number') throw invalid("it has no 'exp'")
  if (iat !== undefined && typeof iat !== 'number') throw invalid("its 'iat' is no number")
  // One that does not say when it began can have begun no later than now.
  if (exp - (iat ?? seconds) > LONGEST_LIFE_SECONDS) throw invalid('it lives longer than 24 hours')
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= seconds)) throw invalid('it is not valid yet')
  if (seconds >= exp) throw new SEALError('token_expired', 'The security token has expired.')
  for (const name of ['sub', 'exec_id', 'scp', 'wid', 'jti', 'tenant_id']) {
    const claim = claims[name]
    if (typeof claim !== 'string' || claim.trim() === '') throw invalid(`it has no text in '${name}'`)
  }
  return claims as unknown as SecurityTokenClaims
}

export const invalid = (why: string) => new SEALError('token_invalid', `The security token is not valid: ${why}.`)
