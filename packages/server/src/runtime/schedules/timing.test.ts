import { describe, expect, it } from 'vitest'
import { dueAfter, type Timing, timingProblem } from './timing.ts'

const micros = (text: string) => Date.parse(text) * 1000
/** The next instants, from one on. */
function dues(timing: Timing, from: string, count: number): string[] {
  const found: string[] = []
  let at: number | null = micros(from)
  while (found.length < count) {
    at = dueAfter(timing, micros(from), at)
    if (at === null) break
    found.push(new Date(at / 1000).toISOString().replace('.000', ''))
  }
  return found
}
const cron = (pattern: string, timezone = 'Europe/Berlin'): Timing => ({ kind: 'cron', cron: pattern, timezone })

describe('a time of the day', () => {
  it('that clocks leave out as they go forward is due right after the gap, on that day once', () => {
    expect(dues(cron('30 2 * * *'), '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00Z',
      '2026-03-30T00:30:00Z',
    ])
    expect(dues(cron('30 2,14 * * *'), '2026-03-28T14:00:00Z', 3)).toEqual([
      '2026-03-29T01:00:00Z',
      '2026-03-29T12:30:00Z',
      '2026-03-30T00:30:00Z',
    ])
  })

  it('that comes twice as they go back is due the first time, on that day once', () => {
    expect(dues(cron('30 1 * * *', 'America/New_York'), '2026-10-31T12:00:00Z', 2)).toEqual([
      '2026-11-01T05:30:00Z',
      '2026-11-02T06:30:00Z',
    ])
    expect(dues(cron('30 2 * * *'), '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00Z',
      '2026-10-26T01:30:00Z',
    ])
  })
})

it.each(['2026-03-28T23:59:59Z', '2026-10-24T23:59:59Z'])('every 15 seconds loses no hour on %s', (from) => {
  const found = dues(cron('*/15 * * * * *'), from, 4 * 240).map((text) => Date.parse(text))
  expect(found.slice(1).every((at, index) => at - (found[index] ?? 0) === 15_000)).toBe(true)
})

it('an interval is counted from when it was set, over whatever passed', () => {
  const timing: Timing = { kind: 'interval', seconds: 90 }
  const set = micros('2026-03-01T00:00:00Z')
  expect(dueAfter(timing, set, set)).toBe(set + 90_000_000)
  expect(dueAfter(timing, set, set + 90_000_000)).toBe(set + 180_000_000)
  expect(dueAfter(timing, set, set + 1_000_000_000)).toBe(set + 1_080_000_000)
})

it.each([
  [cron('30 2 30 2 *'), 'never comes'],
  [cron('60 * * * *'), 'minute'],
  [cron('* * * *'), 'five or six fields'],
  [cron('* * * * * * *'), 'five or six fields'],
  [cron('nonsense'), 'five or six fields'],
  [cron('* * * * *', 'Mars/Base'), "no time zone 'Mars/Base'"],
  [{ kind: 'interval', seconds: 0 } as const, 'from 1'],
  [{ kind: 'interval', seconds: 1.5 } as const, 'whole number'],
])('%j is refused in words', (timing, words) => {
  expect(timingProblem(timing, micros('2026-03-01T00:00:00Z'))).toContain(words)
})

it.each([
  cron('0 9 * * 1-5'),
  cron('*/5 * * * *', 'UTC'),
  cron('0 0 29 2 *'),
  { kind: 'interval', seconds: 30 } as const,
])('%j is taken', (timing) => {
  expect(timingProblem(timing, micros('2026-03-01T00:00:00Z'))).toBeNull()
})
