import { fromBase64Url, toBase64, toUtf8 } from '../bytes.ts'
import { copySeed, HeldKey, seedOf } from './held.ts'
import { pkcs8Of } from './public-key.ts'

const ED25519 = { name: 'Ed25519' }

/** A key pair of one client, in memory only. As in Node, but by promises: browsers sign asynchronously. */
export class Ed25519Key extends HeldKey {
  private constructor(seed: Uint8Array, publicKey: Uint8Array) {
    super(seed, publicKey)
  }

  /** A new key pair. */
  static generate(): Promise<Ed25519Key> {
    return Ed25519Key.#of(crypto.getRandomValues(new Uint8Array(32)))
  }

  /** The key pair of a private key's 32 bytes, which are copied. @throws RangeError for another length */
  static async fromSeed(seed: Uint8Array): Promise<Ed25519Key> {
    return Ed25519Key.#of(copySeed(seed))
  }

  static async #of(seed: Uint8Array): Promise<Ed25519Key> {
    const { x } = await crypto.subtle.exportKey('jwk', await privateKeyOf(seed, true))
    const publicKey = fromBase64Url(x ?? '')
    if (publicKey?.length !== 32) throw new Error('This browser gives no public key of an Ed25519 key pair.')
    return new Ed25519Key(seed, publicKey)
  }

  /** Signature over the message (a text as UTF-8), 64 bytes. @throws Error once the key is erased */
  async sign(message: Uint8Array | string): Promise<Uint8Array> {
    const bytes = typeof message === 'string' ? toUtf8(message) : Uint8Array.from(message)
    return new Uint8Array(await crypto.subtle.sign(ED25519, await privateKeyOf(seedOf(this), false), bytes))
  }

  /** The same in base64. */
  async signBase64(message: Uint8Array | string): Promise<string> {
    return toBase64(await this.sign(message))
  }
}

async function privateKeyOf(seed: Uint8Array, isExtractable: boolean) {
  const der = pkcs8Of(seed)
  try {
    return await crypto.subtle.importKey('pkcs8', der, ED25519, isExtractable, ['sign'])
  } finally {
    der.fill(0)
  }
}

export async function verifyEd25519(key: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const imported = await crypto.subtle.importKey('raw', Uint8Array.from(key), ED25519, false, ['verify'])
  return crypto.subtle.verify(ED25519, imported, Uint8Array.from(signature), Uint8Array.from(message))
}
