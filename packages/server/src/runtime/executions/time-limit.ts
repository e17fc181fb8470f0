import type { Clock } from '../../ports/clock.ts'

/** How long something may take, waiting for others left out. */
export interface TimeLimit {
  /** Stand still while `work` goes on. */
  pause<T>(work: () => Promise<T>): Promise<T>
  /** Milliseconds that have passed and were not paused. */
  spent(): number
  cancel(): void
}

/** @param onOver called once, when `milliseconds` have passed that were not paused */
export function createTimeLimit(clock: Clock, milliseconds: number, onOver: () => void): TimeLimit {
  let left = milliseconds
  let startedAt = 0
  let pauses = 0
  let isOver = false
  let cancelTimer = () => {}

  function start(): void {
    startedAt = clock.now()
    cancelTimer = clock.after(left, () => {
      isOver = true
      onOver()
    })
  }

  start()
  return {
    spent: () => milliseconds - (pauses > 0 ? left : left - (clock.now() - startedAt)),
    async pause(work) {
      if (pauses++ === 0 && !isOver) {
        cancelTimer()
        left = Math.max(0, left - (clock.now() - startedAt))
      }
      try {
        return await work()
      } finally {
        if (--pauses === 0 && !isOver) start()
      }
    },
    cancel() {
      isOver = true
      cancelTimer()
    },
  }
}
