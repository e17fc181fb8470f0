import { describe, expect, it } from 'vitest'
import { nextAttemptIn } from './back-off.ts'

const passing = { isPermanent: false, retryAfterMs: null }
const permanent = { isPermanent: true, retryAfterMs: null }
const DAY = 86_400_000

describe('when to try again', () => {
  it('pauses double from five seconds to five minutes', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 1_000].map((attempts) => nextAttemptIn(attempts, 0, passing))).toEqual([
      5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000,
    ])
  })

  it('a platform may ask for more, not for less, and not for more than a day', () => {
    expect(nextAttemptIn(1, 0, { ...passing, retryAfterMs: 60_000 })).toBe(60_000)
    expect(nextAttemptIn(1, 0, { ...passing, retryAfterMs: 0 })).toBe(5_000)
    expect(nextAttemptIn(1, 0, { ...passing, retryAfterMs: 10 * DAY })).toBe(DAY)
  })

  it('ends after a day, or after five refusals', () => {
    expect(nextAttemptIn(3, DAY - 1, passing)).toBe(20_000)
    expect(nextAttemptIn(3, DAY, passing)).toBeNull()
    expect([1, 2, 3, 4, 5].map((attempts) => nextAttemptIn(attempts, 0, permanent))).toEqual([
      5_000,
      10_000,
      20_000,
      40_000,
      null,
    ])
  })
})
