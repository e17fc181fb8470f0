/** What a key says that was erased. */
export const privateKeyErased = () => new Error('Private key has been erased; make a new one.')
export const publicKeyErased = () => new Error('Public key has been erased; make a new one.')

export function requireSeed(seed: Uint8Array): void {
  if (!(seed instanceof Uint8Array) || seed.length !== 32)
    throw new RangeError('An Ed25519 private key (seed) has 32 bytes.')
}
