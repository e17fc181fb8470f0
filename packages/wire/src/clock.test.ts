import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { sleep, systemClock } from './clock.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a wait of years ends then, and not at once', () => {
  const years = 3 * 365 * 86_400_000
  const fired = vi.fn()
  systemClock.setTimer(fired, years)
  vi.advanceTimersByTime(years - 1)
  expect(fired).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(fired).toHaveBeenCalledOnce()
})

test('a cancelled wait of years leaves no timer behind, whichever of its timers is running', () => {
  const fired = vi.fn()
  const timer = systemClock.setTimer(fired, 3 * 2 ** 31)
  vi.advanceTimersByTime(2 ** 31 + 5)
  timer.cancel()
  expect(vi.getTimerCount()).toBe(0)
  expect(fired).not.toHaveBeenCalled()
})

test('to wait for ever is to wait for ever; less than nothing and no number are refused', () => {
  systemClock.setTimer(() => {}, Number.POSITIVE_INFINITY).cancel()
  expect(vi.getTimerCount()).toBe(0)
  for (const ms of [-1, Number.NaN]) expect(() => systemClock.setTimer(() => {}, ms)).toThrow(RangeError)
})

test('a sleeper who is called away wakes with the reason, and its timer is gone', async () => {
  const gone = new Error('gone')
  const calling = new AbortController()
  const slept = sleep(systemClock, 1_000, { signal: calling.signal })
  calling.abort(gone)
  await expect(slept).rejects.toBe(gone)
  await expect(sleep(systemClock, 1_000, { signal: calling.signal })).rejects.toBe(gone)
  expect(vi.getTimerCount()).toBe(0)
})
