import { chmodSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NotFound, TooManyRequests, Unauthenticated } from '../errors.ts'
import type { Random } from '../ports/random.ts'
import type { RateLimiter } from '../ports/rate-limiter.ts'
import { digestOf, digestsEqual } from './opaque-tokens.ts'
import type { IdentityStore, User } from './store.ts'

export const LOCAL_ACCESS_FILE = 'local-access.json'

/**
 * The command line on the server's own machine signs in without a password: who can read the data folder holds the master key
 * and the database anyway. The secret is new at every start, in a file only that user can read.
 */
export interface LocalAccess {
  /** Write the file that the command line reads. */
  publish(address: string): void
  /** The administrator that a holder of the file's secret acts as. @throws Unauthenticated, NotFound before setup. */
  administrator(secret: string, address: string): Promise<User>
}

export function createLocalAccess(deps: {
  store: IdentityStore
  random: Random
  limiter: RateLimiter
  dataDir: string
}): LocalAccess {
  const { store, random, limiter, dataDir } = deps
  const secret = Buffer.from(random.bytes(32)).toString('base64url')
  const expected = digestOf(secret)
  return {
    publish(address) {
      const file = join(dataDir, LOCAL_ACCESS_FILE)
      const draft = `${file}.${process.pid}`
      writeFileSync(draft, `${JSON.stringify({ url: address, secret })}\n`, { mode: 0o600 })
      chmodSync(draft, 0o600)
      renameSync(draft, file)
    },
    async administrator(offered, address) {
      if (!digestsEqual(digestOf(offered), expected)) {
        const verdict = await limiter.hit(`local-access:${address}`, 10, 60)
        if (!verdict.allowed)
          throw new TooManyRequests('Too many login attempts. Please try again later.', verdict.retryAfter)
        throw new Unauthenticated(
          'This secret is not the one of the running server. Read it again from its data folder.',
        )
      }
      const user = await store.findFirstAdministrator()
      if (!user)
        throw new NotFound('There is no administrator yet. Open the console, or run `lictor demo`.', 'not_set_up')
      return user
    },
  }
}
