import { expect, test } from 'vitest'
import { ago, countdown, duration, urgency } from './time.ts'

test('ages are said as people say them', () => {
  const at = (seconds: number) => ago(0, seconds * 1_000)
  expect([2, 12, 61, 3_700, 90_000].map(at)).toEqual(['now', '12 s ago', '1 min ago', '1 h ago', '1 d ago'])
  expect(ago(10_000, 0)).toBe('now')
})

test('a countdown ends at 0:00 and never goes below', () => {
  expect([245_000, 1, 0, -5, 3_729_000, 187_200_000].map(countdown)).toEqual([
    '4:05',
    '0:01',
    '0:00',
    '0:00',
    '1:02:09',
    '2 d 4 h',
  ])
})

test('a length of time is rounded to what matters', () => {
  expect([45, 300, 3_600, 86_400, 172_800].map(duration)).toEqual(['45 s', '5 min', '60 min', '24 h', '2 d'])
})

test('urgency follows the share of time left', () => {
  expect([100, 60, 59, 20, 19, 0, -1].map((left) => urgency(left, 100))).toEqual([
    'calm',
    'calm',
    'soon',
    'soon',
    'critical',
    'expired',
    'expired',
  ])
})
