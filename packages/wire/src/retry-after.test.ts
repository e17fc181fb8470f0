import { expect, test } from 'vitest'
import { retryAfterMs } from './retry-after.ts'

const now = Date.parse('2026-04-26T10:00:00Z')

test('what a server asks for is read in seconds and as a date; a date that is past asks for nothing', () => {
  expect(retryAfterMs('7', now)).toBe(7_000)
  expect(retryAfterMs(' 0.5 ', now)).toBe(500)
  expect(retryAfterMs('Sun, 26 Apr 2026 10:00:03 GMT', now)).toBe(3_000)
  expect(retryAfterMs('Sun, 26 Apr 2026 09:00:00 GMT', now)).toBe(0)
})

test('what cannot be read asks for nothing', () => {
  for (const header of [null, undefined, '', '-1', '-1', '1e3', 'soon'])
    expect(retryAfterMs(header, now)).toBeUndefined()
})
