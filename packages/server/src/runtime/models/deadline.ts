import type { Clock } from '../../ports/clock.ts'
import { ModelError } from '../../ports/model.ts'

/** When a turn is given up: after a silence, or after all of its time. */
export interface Deadline {
  /** Aborted with a `ModelError` of the class `timeout`. */
  readonly signal: AbortSignal
  /** Something came: the silence begins anew. */
  progress(): void
  /** The instant at which it is given up if nothing comes. */
  at(): number
  cancel(): void
}

/** @param silence milliseconds @param longest milliseconds of the whole turn */
export function createDeadline(clock: Clock, silence: number, longest = Number.POSITIVE_INFINITY): Deadline {
  const over = new AbortController()
  const end = clock.now() + longest
  const giveUp = (milliseconds: number) =>
    over.abort(new ModelError('timeout', `upstream timeout after ${Math.round(milliseconds / 1000)}s`))
  let last = clock.now()
  let cancelSilence = clock.after(silence, look)
  const cancelLongest = clock.after(longest, () => giveUp(longest))

  function look(): void {
    const left = last + silence - clock.now()
    if (left <= 0) giveUp(silence)
    // Pieces come by the thousand: the timer is set anew when it fires, not with each of them.
    else cancelSilence = clock.after(left, look)
  }

  return {
    signal: over.signal,
    progress() {
      last = clock.now()
    },
    at: () => Math.min(last + silence, end),
    cancel() {
      cancelSilence()
      cancelLongest()
    },
  }
}
