import { createPublicKey, KeyObject, verify } from 'node:crypto'
import { parsePublicKey, spkiOf } from '../keys/public-key.ts'
import {
  invalid,
  readToken,
  requireClaims,
  type SecurityTokenClaims,
  type TokenAlgorithm,
  type TokenExpectations,
} from './claims.ts'

/**
 * Verify a security token: its signature by the key and algorithm given here, issuer, audience, expiry (without leeway) and the
 * claims that the protocol demands.
 * @param options `key`: a PEM text; for EdDSA also any spelling of an Ed25519 public key, or its 32 bytes
 * @throws SEALError `token_expired` or `token_invalid`; TypeError for a key that does not fit the algorithm
 */
export function verifySecurityToken(
  token: string,
  options: TokenExpectations & { readonly key: string | Uint8Array | KeyObject },
): { claims: SecurityTokenClaims } {
  const { signed, signature, claims } = readToken(token, options.algorithm)
  const key = keyFor(options.key, options.algorithm)
  if (!verify(options.algorithm === 'RS256' ? 'sha256' : null, signed, key, signature))
    throw invalid('its signature does not verify')
  return { claims: requireClaims(claims, options) }
}

function keyFor(given: string | Uint8Array | KeyObject, algorithm: TokenAlgorithm): KeyObject {
  const key = given instanceof KeyObject ? given : publicKeyOf(given, algorithm)
  const isFit =
    algorithm === 'RS256'
      ? key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048
      : key.asymmetricKeyType === 'ed25519'
  if (!isFit)
    throw new TypeError(
      `${algorithm} needs ${algorithm === 'RS256' ? 'an RSA key of at least 2048 bits' : 'an Ed25519 key'}.`,
    )
  return key
}

function publicKeyOf(given: string | Uint8Array, algorithm: TokenAlgorithm): KeyObject {
  if (algorithm === 'RS256') {
    if (typeof given !== 'string') throw new TypeError('RS256 needs an RSA public key as PEM.')
    return createPublicKey(given)
  }
  const raw = typeof given === 'string' ? parsePublicKey(given) : given
  return createPublicKey({ key: Buffer.from(spkiOf(raw)), format: 'der', type: 'spki' })
}
