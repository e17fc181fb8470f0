import { randomBytes } from 'node:crypto'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import type { SecretBox } from '../../ports/secret-box.ts'

const NONCE_BYTES = 24

/** NaCl secretbox under a 32-byte key. */
export function createNaclSecretBox(key: Uint8Array): SecretBox {
  return {
    seal(plain) {
      const nonce = randomBytes(NONCE_BYTES)
      return Buffer.concat([nonce, xsalsa20poly1305(key, nonce).encrypt(plain)])
    },
    open(sealed) {
      const nonce = sealed.subarray(0, NONCE_BYTES)
      return xsalsa20poly1305(key, nonce).decrypt(sealed.subarray(NONCE_BYTES))
    },
  }
}
