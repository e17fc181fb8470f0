import { toBase64 } from '../bytes.ts'

/** The private bytes of a key that is not erased. No property leads to them. @throws Error once the key is erased */
export let seedOf: (key: HeldKey) => Uint8Array

/**
 * The bytes of a key pair, in memory only. They are this object's own, so that `erase` really overwrites them: the platform's key
 * objects, which cannot be overwritten, live for one operation.
 */
export abstract class HeldKey {
  #seed: Uint8Array | null
  #public: Uint8Array | null

  static {
    seedOf = (key) => {
      if (!key.#seed) throw new Error('Private key has been erased; make a new one.')
      return key.#seed
    }
  }

  protected constructor(seed: Uint8Array, publicKey: Uint8Array) {
    this.#seed = seed
    this.#public = publicKey
  }

  /** A copy of the public key's 32 bytes. @throws Error once the key is erased */
  getPublicKeyBytes(): Uint8Array {
    if (!this.#public) throw new Error('Public key has been erased; make a new one.')
    return Uint8Array.from(this.#public)
  }

  /** The same in base64. */
  getPublicKeyBase64(): string {
    return toBase64(this.getPublicKeyBytes())
  }

  /** Overwrite the key with zeros and forget it. May be called again. */
  erase(): void {
    this.#seed?.fill(0)
    this.#public?.fill(0)
    this.#seed = null
    this.#public = null
  }
}

/** A copy of a private key's bytes, for a key to hold. @throws RangeError for another length */
export function copySeed(seed: Uint8Array): Uint8Array {
  if (!(seed instanceof Uint8Array) || seed.length !== 32)
    throw new RangeError('An Ed25519 private key (seed) has 32 bytes.')
  return Uint8Array.from(seed)
}
