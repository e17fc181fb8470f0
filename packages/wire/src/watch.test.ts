import { expect, test } from 'vitest'
import type { Clock } from './clock.ts'
import { createWatch, wasNeverDelivered } from './watch.ts'

function manualClock() {
  const timers = new Set<{ run: () => void; ms: number }>()
  const clock: Pick<Clock, 'setTimer'> = {
    setTimer(run, ms) {
      const timer = { run, ms }
      timers.add(timer)
      return { cancel: () => timers.delete(timer) }
    },
  }
  return { clock, timers, fire: () => [...timers].at(-1)?.run() }
}

test('an attempt that takes too long is ended, and told from one that the caller stopped', () => {
  const late = manualClock()
  const watch = createWatch(late.clock, 5_000, [])
  late.fire()
  expect(watch.signal.aborted).toBe(true)
  expect(watch.failureOf(watch.signal.reason)).toEqual({ kind: 'timeout', afterMs: 5_000 })

  const caller = new AbortController()
  const stopped = createWatch(manualClock().clock, 5_000, [caller.signal])
  caller.abort('enough')
  expect(stopped.failureOf(new TypeError('terminated'))).toEqual({ kind: 'stopped', reason: 'enough' })
})

test('a lost connection is told by what the system said, a fault of another kind stays what it is', () => {
  const watch = createWatch(manualClock().clock, 1, [])
  const refused = Object.assign(new Error(''), { code: 'ECONNREFUSED' })
  expect(watch.failureOf(new TypeError('fetch failed', { cause: refused }))).toEqual({
    kind: 'connection',
    message: 'ECONNREFUSED',
  })
  const own = new Error('own')
  expect(watch.failureOf(own)).toEqual({ kind: 'other', error: own })
})

test('whatever happens starts the time anew; a released watch leaves no timer', () => {
  const { clock, timers } = manualClock()
  const watch = createWatch(clock, 5_000, [])
  watch.restart()
  expect(timers.size).toBe(1)
  watch.release()
  expect(timers.size).toBe(0)
})

test('only what the system says never left is taken as never delivered', () => {
  const failed = (code: string) => new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code }) })
  expect(wasNeverDelivered(failed('ECONNREFUSED'))).toBe(true)
  expect(wasNeverDelivered(failed('ECONNRESET'))).toBe(false)
  expect(wasNeverDelivered('ECONNREFUSED')).toBe(false)
})
