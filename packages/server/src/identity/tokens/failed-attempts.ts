import { DomainError } from '../../errors.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'

const WINDOW_SECONDS = 60
/** Wrong attempts of an address for one client, and of an address, or for a client, altogether. */
const OF_ADDRESS_FOR_CLIENT = 60
const OF_ADDRESS = 600
const FOR_CLIENT = 600

/** Stops whoever tries secrets, and nobody who has the right one. */
export interface FailedAttempts {
  /**
   * Let `attempt` run unless too many failed before; it fails when it throws 401. Those of one address go one after the other, so
   * that none of many that come at once is judged before the others are counted.
   * @throws DomainError 429
   */
  within<T>(address: string, clientId: string, attempt: () => Promise<T>): Promise<T>
}

export function createFailedAttempts(limiter: RateLimiter): FailedAttempts {
  const turns = new Map<string, Promise<unknown>>()

  async function judged<T>(address: string, clientId: string, attempt: () => Promise<T>): Promise<T> {
    const counters = [
      { key: `token:${address}:${clientId}`, most: OF_ADDRESS_FOR_CLIENT },
      { key: `token-address:${address}`, most: OF_ADDRESS },
      { key: `token-client:${clientId}`, most: FOR_CLIENT },
    ]
    for (const { key, most } of counters) {
      const verdict = await limiter.peek(key, most, WINDOW_SECONDS)
      if (verdict.allowed) continue
      throw new DomainError(429, 'slow_down', 'Too many token requests failed.', {
        headers: { 'retry-after': String(verdict.retryAfter) },
      })
    }
    try {
      return await attempt()
    } catch (error) {
      if (error instanceof DomainError && error.status === 401)
        for (const { key, most } of counters) await limiter.hit(key, most, WINDOW_SECONDS)
      throw error
    }
  }

  return {
    within(address, clientId, attempt) {
      const before = turns.get(address) ?? Promise.resolve()
      const turn = before.then(() => judged(address, clientId, attempt))
      const settled = turn
        .catch(() => {})
        .then(() => {
          if (turns.get(address) === settled) turns.delete(address)
        })
      turns.set(address, settled)
      return turn
    },
  }
}
