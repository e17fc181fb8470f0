import { createHash, timingSafeEqual } from 'node:crypto'

/** SHA-256, hex: how tokens with 256 bits of randomness are stored. */
export const digestOf = (token: string): string => createHash('sha256').update(token).digest('hex')

/** Compare two hex digests without telling where they differ. */
export function digestsEqual(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
