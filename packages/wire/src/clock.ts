/** Time as a dependency: whatever waits asks a clock, so a test decides when a second has passed. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number
  /** Run `callback` once after `ms` milliseconds. A `background` timer never keeps the process alive. */
  setTimer(callback: () => void, ms: number, options?: { readonly background?: boolean }): TimerHandle
}

export interface TimerHandle {
  cancel(): void
}

/** Timers of the platform count in 31 bits: what is asked to wait for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * The machine's clock. It waits for as long as it is told, years too, in as many timers as that takes; what is to wait for
 * `Infinity` never fires.
 *
 * @throws RangeError for a wait that is no number, and for a negative one
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(callback, ms, options) {
    if (!(ms >= 0)) throw new RangeError(`A timer waits for 0 milliseconds or more, not for ${ms}.`)
    if (ms === Number.POSITIVE_INFINITY) return { cancel: () => {} }
    let timer: ReturnType<typeof setTimeout>
    const wait = (left: number): void => {
      const now = Math.min(left, LONGEST_TIMER_MS)
      timer = setTimeout(() => (left > now ? wait(left - now) : callback()), now)
      if (options?.background) unref(timer)
    }
    wait(ms)
    return { cancel: () => clearTimeout(timer) }
  },
}

/** Node's timers are objects that can let the process end; a browser's are numbers. */
function unref(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as { unref(): void }).unref()
}

/** Wait `ms` milliseconds. Rejects with the signal's reason when it aborts first; leaves no timer behind. */
export function sleep(
  clock: Pick<Clock, 'setTimer'>,
  ms: number,
  { signal, background = false }: { readonly signal?: AbortSignal | undefined; readonly background?: boolean } = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
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
