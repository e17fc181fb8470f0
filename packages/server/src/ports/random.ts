import type { KeyObject } from 'node:crypto'

/** Randomness, as a dependency. */
export interface Random {
  /** A UUID v4, lower case. */
  uuid(): string
  bytes(length: number): Uint8Array
  /** A new RSA key of 2,048 bits. Takes a tenth of a second of a processor. */
  rsaKey(): Promise<{ readonly publicKey: KeyObject; readonly privateKey: KeyObject }>
}
