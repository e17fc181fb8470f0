import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

const KEY_BYTES = 32
const MEMORY = 64 * 1024 * 1024
/** scrypt's N: about 16 MiB and some tens of milliseconds a guess. */
export const PASSWORD_COST = 16_384

export interface Passwords {
  /** scrypt with a salt of its own: `scrypt$N$r$p$salt$key`, base64url. */
  hash(password: string): Promise<string>
  /** Whether the password is the one that was hashed. Without a stored hash it takes as long, and is false. */
  verify(password: string, stored: string | undefined): Promise<boolean>
}

export function createPasswords(cost: number = PASSWORD_COST): Passwords {
  const write = (salt: Uint8Array, key: Uint8Array) =>
    ['scrypt', cost, 8, 5, Buffer.from(salt).toString('base64url'), Buffer.from(key).toString('base64url')].join('$')
  const nobodys = write(new Uint8Array(16), new Uint8Array(KEY_BYTES))
  return {
    async hash(password) {
      const salt = randomBytes(16)
      return write(salt, await derive(password, salt, cost, 8, 5))
    },
    async verify(password, stored) {
      const [scheme, n, r, p, salt, key] = (stored ?? nobodys).split('$')
      if (scheme !== 'scrypt' || !n || !r || !p || !salt || !key) return false
      const actual = await derive(password, Buffer.from(salt, 'base64url'), Number(n), Number(r), Number(p))
      return timingSafeEqual(Buffer.from(key, 'base64url'), actual) && stored !== undefined
    },
  }
}

function derive(password: string, salt: Uint8Array, N: number, r: number, p: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, KEY_BYTES, { N, r, p, maxmem: MEMORY }, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}
