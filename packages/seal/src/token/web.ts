import { fromBase64 } from '../bytes.ts'
import { parsePublicKey } from '../keys/public-key.ts'
import { verifyEd25519 } from '../keys/web.ts'
import { invalid, readToken, requireClaims, type SecurityTokenClaims, type TokenExpectations } from './claims.ts'

const RS256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }

/**
 * Verify a security token: its signature by the key and algorithm given here, issuer, audience, expiry (without leeway) and the
 * claims that the protocol demands.
 * @param options `key`: a PEM text (`BEGIN PUBLIC KEY`); for EdDSA also any spelling of an Ed25519 public key, or its 32 bytes
 * @throws SEALError `token_expired` or `token_invalid`; TypeError for a key that does not fit the algorithm
 */
export async function verifySecurityToken(
  token: string,
  options: TokenExpectations & { readonly key: string | Uint8Array },
): Promise<{ claims: SecurityTokenClaims }> {
  const { signed, signature, claims } = readToken(token, options.algorithm)
  const isVerified =
    options.algorithm === 'RS256'
      ? await crypto.subtle.verify(RS256, await rsaKeyOf(options.key), signature, signed)
      : await verifyEd25519(
          typeof options.key === 'string' ? parsePublicKey(options.key) : options.key,
          signed,
          signature,
        )
  if (!isVerified) throw invalid('its signature does not verify')
  return { claims: requireClaims(claims, options) }
}

async function rsaKeyOf(key: string | Uint8Array) {
  const body =
    typeof key === 'string' ? /-----BEGIN PUBLIC KEY-----([^-]+)-----END PUBLIC KEY-----/.exec(key)?.[1] : null
  const der = body ? fromBase64(body.replace(/\s/g, '')) : null
  if (!der) throw new TypeError('RS256 needs an RSA public key as PEM (BEGIN PUBLIC KEY).')
  const imported = await crypto.subtle.importKey('spki', der, RS256, false, ['verify'])
  const { modulusLength } = imported.algorithm as { modulusLength?: number }
  if ((modulusLength ?? 0) < 2048) throw new TypeError('RS256 needs an RSA key of at least 2048 bits.')
  return imported
}
