import { createPublicKey, verify } from 'node:crypto'
import { BundleVerificationError } from './errors.ts'

/** What precedes a raw Ed25519 key in its SPKI form (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/**
 * Checks an Ed25519 signature over the exact bytes of a bundle. The signature may be 128 hex digits
 * or base64 (standard or URL-safe); the key is 64 hex digits, or several of them while a key is being rotated. The key
 * is always the caller's own: one that arrives with a bundle proves nothing.
 * @throws BundleVerificationError naming what is wrong.
 */
export function verifyBundleSignature(
  yamlBytes: Uint8Array,
  signature: string,
  publicKeyHex: string | readonly string[],
): void {
  const keys = (typeof publicKeyHex === 'string' ? [publicKeyHex] : publicKeyHex).map(decodeKey)
  if (keys.length === 0) throw new BundleVerificationError('The signing public key is empty.')
  const bytes = decodeSignature(signature)
  if (!keys.some((key) => matches(yamlBytes, bytes, key))) {
    throw new BundleVerificationError(
      'The signature does not match the bundle: it was tampered with, or signed by another key.',
    )
  }
}

/** Whether an Ed25519 signature in hex or base64 is that of one key over these bytes. Anything malformed is not. */
export function isSigned(bytes: Uint8Array, signature: string, publicKeyHex: string): boolean {
  try {
    return matches(bytes, decodeSignature(signature), decodeKey(publicKeyHex))
  } catch (error) {
    if (error instanceof BundleVerificationError) return false
    throw error
  }
}

function matches(bytes: Uint8Array, signature: Buffer, key: Buffer): boolean {
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, key]), format: 'der', type: 'spki' })
  return verify(null, bytes, publicKey, signature)
}

function decodeKey(key: string): Buffer {
  if (typeof key !== 'string' || key === '') throw new BundleVerificationError('The signing public key is empty.')
  if (!/^[0-9a-fA-F]*$/.test(key) || key.length % 2 !== 0) {
    throw new BundleVerificationError('The signing public key is not hex.')
  }
  const raw = Buffer.from(key, 'hex')
  if (raw.length !== 32)
    throw new BundleVerificationError(`The signing public key: expected 32 bytes, got ${raw.length}.`)
  return raw
}

function decodeSignature(signature: string): Buffer {
  if (typeof signature !== 'string' || signature === '')
    throw new BundleVerificationError('The bundle signature is empty.')
  if (/^[0-9a-fA-F]{128}$/.test(signature)) return Buffer.from(signature, 'hex')
  const bytes = decodeBase64(signature.replaceAll('-', '+').replaceAll('_', '/'))
  if (bytes === null) throw new BundleVerificationError('The bundle signature is neither hex nor base64.')
  if (bytes.length !== 64) {
    throw new BundleVerificationError(`The bundle signature: expected 64 bytes, got ${bytes.length} (hex or base64).`)
  }
  return bytes
}

/** Base64 taken strictly; null for anything else. `Buffer.from` would quietly skip what it does not know. */
export function decodeBase64(text: string): Buffer | null {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null
  const unpadded = text.replace(/=+$/, '')
  const padding = text.length - unpadded.length
  if (unpadded.length % 4 === 1 || (padding > 0 && (unpadded.length + padding) % 4 !== 0)) return null
  return Buffer.from(unpadded, 'base64')
}
