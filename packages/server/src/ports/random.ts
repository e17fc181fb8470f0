/** Randomness, as a dependency. */
export interface Random {
  /** A UUID v4, lower case. */
  uuid(): string
  bytes(length: number): Uint8Array
}
