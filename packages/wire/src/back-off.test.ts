import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pauseAfter } from './back-off.ts'

test('pauses double up to the longest, also after any number of failures', () => {
  const backOff = { firstMs: 500, longestMs: 8_000 }
  expect([1, 2, 3, 4, 5, 6, 5_000].map((failures) => pauseAfter(failures, backOff))).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000,
  ])
})

test('chance only adds to a pause, and no more than its share', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (failures, chance) => {
        const backOff = { firstMs: 500, longestMs: 60_000 }
        const stated = pauseAfter(failures, backOff)
        const pause = pauseAfter(failures, { ...backOff, jitter: 0.25 }, () => chance)
        expect(pause).toBeGreaterThanOrEqual(stated)
        expect(pause).toBeLessThanOrEqual(stated * 1.25)
      },
    ),
  )
})
