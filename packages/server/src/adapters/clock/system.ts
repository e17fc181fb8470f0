import type { Clock } from '../../ports/clock.ts'

/** The longest that one timer of the platform can wait: it counts milliseconds in 31 bits and fires at once beyond them. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, task) {
    if (Number.isNaN(milliseconds)) throw new RangeError('A timer takes a number of milliseconds, not NaN.')
    if (milliseconds === Number.POSITIVE_INFINITY) return () => {}
    // A wait of months is a chain of timers towards one instant, measured by the clock that a set time does not move.
    const due = performance.now() + milliseconds
    let timer: NodeJS.Timeout
    const wait = () => {
      const left = due - performance.now()
      timer = left > LONGEST_TIMER_MS ? setTimeout(wait, LONGEST_TIMER_MS) : setTimeout(task, Math.max(0, left))
      timer.unref()
    }
    wait()
    return () => clearTimeout(timer)
  },
}
