import { expect, test } from 'vitest'
import { elapsed } from './elapsed.ts'

test('a length of time is never rounded up to one that has not passed', () => {
  expect([0, 999, 1_000, 59_999, 60_000, 3_599_999, 3_600_000, -5].map(elapsed)).toEqual([
    '0 ms',
    '999 ms',
    '1.0 s',
    '59.9 s',
    '1 min 00 s',
    '59 min 59 s',
    '1 h 00 min',
    '0 ms',
  ])
})
