import { expect, test } from 'vitest'
import { fillBuckets } from './buckets.ts'

test('quiet times are shown as quiet', () => {
  const since = Date.parse('2026-03-01T10:10:00Z')
  const known = { bucket_start: '2026-03-01T10:30:00Z', allowed: 3, denied: 1, pending: 0, observed: 0 }
  const filled = fillBuckets([known], since, Date.parse('2026-03-01T11:10:00Z'), 1_800)
  expect(filled.map(({ bucket_start, allowed }) => [bucket_start.slice(11, 16), allowed])).toEqual([
    ['10:00', 0],
    ['10:30', 3],
    ['11:00', 0],
  ])
})
