import { TooManyRequests } from '../errors.ts'
import type { RateLimiter } from '../ports/rate-limiter.ts'

/** Count one attempt. @throws TooManyRequests with the seconds to wait */
export async function limited(limiter: RateLimiter, key: string, most: number, windowSeconds: number): Promise<void> {
  const verdict = await limiter.hit(key, most, windowSeconds)
  if (!verdict.allowed) throw new TooManyRequests('Too many attempts. Please try again later.', verdict.retryAfter)
}
