import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from './system.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const DAY = 86_400_000

test.each([1, 24, 25, 30, 400, 3650])('a wait of %i days ends then, not at once', (days) => {
  const task = vi.fn()
  systemClock.after(days * DAY, task)
  vi.advanceTimersByTime(days * DAY - 1)
  expect(task).not.toHaveBeenCalled()
  vi.advanceTimersByTime(2)
  expect(task).toHaveBeenCalledOnce()
})

test('a cancelled wait of years never ends, at whatever point of the chain it was cancelled', () => {
  const task = vi.fn()
  const cancel = systemClock.after(100 * DAY, task)
  vi.advanceTimersByTime(60 * DAY)
  cancel()
  vi.advanceTimersByTime(100 * DAY)
  expect(task).not.toHaveBeenCalled()
})

test('what never ends is never called, and what is past is called at the next turn', () => {
  const never = vi.fn()
  const past = vi.fn()
  systemClock.after(Number.POSITIVE_INFINITY, never)
  systemClock.after(-5, past)
  vi.advanceTimersByTime(400 * DAY)
  expect(never).not.toHaveBeenCalled()
  expect(past).toHaveBeenCalledOnce()
})

test('a wait that is no number is refused', () => {
  expect(() => systemClock.after(Number.NaN, () => {})).toThrow('takes a number of milliseconds')
})
