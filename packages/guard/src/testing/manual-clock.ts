import type { Clock, TimerHandle } from '../clock.ts'

interface Pending {
  readonly at: number
  readonly order: number
  readonly callback: () => void
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number
  #order = 0
  #timers: Pending[] = []
  /** The delay of every timer ever set, in the order they were set. */
  readonly delays: number[] = []

  constructor(start = Date.parse('2026-03-01T12:00:00.000Z')) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  setTimer(callback: () => void, ms: number): TimerHandle {
    const timer: Pending = { at: this.#now + ms, order: this.#order++, callback }
    this.delays.push(ms)
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
      },
    }
  }

  get pendingTimers(): number {
    return this.#timers.length
  }

  /** Milliseconds until the next timer fires, or null when none is set. */
  get nextDelay(): number | null {
    const next = this.#next()
    return next ? next.at - this.#now : null
  }

  /** Moves time forward, firing every timer that falls due, each after the promises of the one before have settled. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    for (let next = this.#next(); next && next.at <= end; next = this.#next()) {
      this.#timers = this.#timers.filter((other) => other !== next)
      this.#now = Math.max(this.#now, next.at)
      next.callback()
      await settle()
    }
    this.#now = end
  }

  #next(): Pending | undefined {
    return this.#timers.toSorted((a, b) => a.at - b.at || a.order - b.order)[0]
  }
}

/** Lets every promise that can settle without input from outside do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** Turns the event loop until `condition` holds; fails after a generous number of turns. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let turn = 0; turn < 200_000; turn++) {
    if (condition()) return
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  throw new Error(`never happened: ${what}`)
}
