import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import { toBase64, toUtf8 } from '../bytes.ts'
import { copySeed, HeldKey, seedOf } from './held.ts'
import { pkcs8Of, spkiOf } from './public-key.ts'

/** A key pair of one client, in memory only. */
export class Ed25519Key extends HeldKey {
  private constructor(seed: Uint8Array) {
    const exported = createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' })
    super(seed, new Uint8Array(exported.subarray(-32)))
  }

  /** A new key pair. */
  static generate(): Ed25519Key {
    return new Ed25519Key(new Uint8Array(randomBytes(32)))
  }

  /** The key pair of a private key's 32 bytes, which are copied. @throws RangeError for another length */
  static fromSeed(seed: Uint8Array): Ed25519Key {
    return new Ed25519Key(copySeed(seed))
  }

  /** Signature over the message (a text as UTF-8), 64 bytes. @throws Error once the key is erased */
  sign(message: Uint8Array | string): Uint8Array {
    const bytes = typeof message === 'string' ? toUtf8(message) : message
    return new Uint8Array(sign(null, bytes, privateKeyOf(seedOf(this))))
  }

  /** The same in base64. */
  signBase64(message: Uint8Array | string): string {
    return toBase64(this.sign(message))
  }
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  const der = pkcs8Of(seed)
  try {
    return createPrivateKey({ key: Buffer.from(der.buffer), format: 'der', type: 'pkcs8' })
  } finally {
    der.fill(0)
  }
}

const KEPT_KEYS = 1024
/** Making a key object of bytes takes a good part of a verification. */
const publicKeys = new Map<string, KeyObject>()

function publicKeyOf(key: Uint8Array): KeyObject {
  const name = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
  const known = publicKeys.get(name)
  if (known) return known
  const made = createPublicKey({ key: Buffer.from(spkiOf(key)), format: 'der', type: 'spki' })
  if (publicKeys.size >= KEPT_KEYS) publicKeys.clear()
  publicKeys.set(name, made)
  return made
}

export const verifyEd25519 = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
  verify(null, message, publicKeyOf(key), signature)
