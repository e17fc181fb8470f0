import type { Clock } from '../src/ports/clock.ts'

/** A clock that a test moves. Timers that fall due run in order, each seeing its own instant. */
export interface ManualClock extends Clock {
  set(milliseconds: number): void
  /** Move forward; resolves once the tasks that fell due, and the microtasks they started, have run. */
  advance(milliseconds: number): Promise<void>
}

export function manualClock(start = Date.UTC(2026, 2, 1, 12)): ManualClock {
  let now = start
  let timers: { at: number; task: () => void }[] = []
  return {
    now: () => now,
    after(milliseconds, task) {
      const timer = { at: now + milliseconds, task }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    set(milliseconds) {
      now = milliseconds
    },
    async advance(milliseconds) {
      const end = now + milliseconds
      for (;;) {
        const due = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0]
        if (!due) break
        timers = timers.filter((timer) => timer !== due)
        now = Math.max(now, due.at)
        due.task()
        await new Promise((resolve) => setImmediate(resolve))
      }
      now = end
    },
  }
}
