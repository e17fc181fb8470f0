import { expect, test } from 'vitest'
import { bytes, limitOf } from './bytes.ts'

test('bytes are written in the largest unit of which there is one', () => {
  expect([0, 1, 1_023, 1_024, 1_536, 1_024 ** 3, 5 * 1_024 ** 4].map(bytes)).toEqual([
    '0 B',
    '1 B',
    '1,023 B',
    '1 KiB',
    '1.5 KiB',
    '1 GiB',
    '5 TiB',
  ])
})

test('the largest number stands for no limit', () => {
  expect(limitOf(Number.MAX_SAFE_INTEGER)).toBeNull()
  expect(limitOf(10)).toBe(10)
})
