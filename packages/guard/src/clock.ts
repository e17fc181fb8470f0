/**
 * Time and chance as dependencies: everything in this package that waits, dates or names something asks these, so a
 * test decides when a second has passed and the server lends its own.
 */

export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number
  /** Run `callback` once after `ms` milliseconds. A `background` timer never keeps the process alive. */
  setTimer(callback: () => void, ms: number, options?: { readonly background?: boolean }): TimerHandle
}

export interface TimerHandle {
  cancel(): void
}

/** Makes a new random identifier (a UUID). */
export type NewId = () => string

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(callback, ms, options) {
    const timer = setTimeout(callback, ms)
    if (options?.background) timer.unref?.()
    return { cancel: () => clearTimeout(timer) }
  },
}

export const randomId: NewId = () => globalThis.crypto.randomUUID()

/** Wait `ms` milliseconds. Rejects with the signal's reason when it aborts first; leaves no timer behind. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal, background = false): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = () => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.setTimer(
      () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      },
      ms,
      { background },
    )
    signal?.addEventListener('abort', onAbort, { once: true })
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
