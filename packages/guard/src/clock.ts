/**
 * Time and chance as dependencies: everything in this package that waits, dates or names something asks these, so a
 * test decides when a second has passed and the server lends its own.
 */

import { type Clock, sleep, systemClock, type TimerHandle } from '@lictor/wire'

export { type Clock, sleep, systemClock, type TimerHandle }

/** Makes a new random identifier (a UUID). */
export type NewId = () => string

export const randomId: NewId = () => globalThis.crypto.randomUUID()

const SERIES = 0x10000
/** The ends of identifiers, each made when a series first counts to it: all of them at once would cost every start. */
const LAST_DIGITS: string[] = []

/**
 * Identifiers that are as unique as random ones and cost a tenth: of each random UUID the last four digits are counted
 * through. Not for what must not be guessed.
 */
export function createSerialId(newId: NewId): NewId {
  let start = ''
  let next = SERIES
  return () => {
    if (next === SERIES) {
      start = newId().slice(0, -4)
      next = 0
    }
    if (next === LAST_DIGITS.length) LAST_DIGITS.push(next.toString(16).padStart(4, '0'))
    return start + (LAST_DIGITS[next++] as string)
  }
}

/**
 * Runs `act` under a signal that aborts after `ms` milliseconds, or with the caller's own. The error that `late` makes is
 * the reason of the first.
 */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  late: () => Error,
  act: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const limit = new AbortController()
  const timer = clock.setTimer(() => limit.abort(late()), ms, { background: true })
  try {
    return await act(signal ? AbortSignal.any([signal, limit.signal]) : limit.signal)
  } finally {
    timer.cancel()
  }
}

/** Settles as `pending` does, or rejects with the signal's reason when that aborts first. */
export function untilAborted<T>(pending: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return pending
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    pending.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

let lastMillisecond = Number.NaN
let lastText = ''

/** ISO 8601 text of a moment. Remembers the last one: many events of one call fall into the same millisecond. */
export function isoTime(ms: number): string {
  if (ms !== lastMillisecond) {
    lastText = new Date(ms).toISOString()
    lastMillisecond = ms
  }
  return lastText
}
