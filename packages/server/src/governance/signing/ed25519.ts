import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

export const SEED_BYTES = 32

/** What stands before the 32 raw bytes in PKCS #8 and in SubjectPublicKeyInfo (RFC 8410). */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** The private key of a 32-byte seed. */
export function privateKeyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' })
}

/** The 32 raw bytes of the public key that belongs to a private key. */
export function publicBytesOf(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(PUBLIC_PREFIX.length)
}

/** Detached Ed25519 signature, 64 bytes. */
export const signBytes = (privateKey: KeyObject, bytes: Uint8Array): Buffer => sign(null, bytes, privateKey)

/** Whether `signature` is by the owner of `publicKey` (32 bytes) over exactly `bytes`. Never throws for a bad signature or key. */
export function verifyBytes(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  try {
    const key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: 'der', type: 'spki' })
    return verify(null, bytes, key, signature)
  } catch {
    return false
  }
}
