/** Seals what must not lie readable in the database: NaCl secretbox, 24-byte nonce before the ciphertext. */
export interface SecretBox {
  seal(plain: Uint8Array): Uint8Array
  /** @throws when the bytes were sealed with another key or were altered. */
  open(sealed: Uint8Array): Uint8Array
}
