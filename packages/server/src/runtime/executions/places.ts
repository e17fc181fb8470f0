/** A place among those that run at once. */
export interface Place {
  /**
   * Let others have it while `work` goes on, and wait for one again before what follows, whether it failed or not. Of several works
   * at once the first that begins gives the place away, and the first that ends takes one for all.
   * @throws as `work`; the signal's reason when it fires before there is a place again
   */
  lend<T>(work: () => Promise<T>): Promise<T>
  /** For good; once is enough. */
  giveBack(): void
}

/** At most `size` at once; the others wait their turn, in order. */
export interface Places {
  /**
   * @param onQueue told that there is no place at the moment, before waiting begins
   * @throws the signal's reason when it fires first
   */
  take(signal: AbortSignal, onQueue?: () => Promise<void>): Promise<Place>
}

export function createPlaces(size: number): Places {
  let free = size
  const waiting: (() => void)[] = []

  function release(): void {
    const next = waiting.shift()
    if (next) next()
    else free++
  }

  function enter(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const proceed = () => {
        signal.removeEventListener('abort', giveUp)
        resolve()
      }
      const giveUp = () => {
        waiting.splice(waiting.indexOf(proceed), 1)
        reject(signal.reason)
      }
      waiting.push(proceed)
      signal.addEventListener('abort', giveUp, { once: true })
    })
  }

  async function occupy(signal: AbortSignal, onQueue: () => Promise<void>): Promise<void> {
    signal.throwIfAborted()
    if (free > 0) {
      free--
      return
    }
    // In the queue before it is said, so that the order is that of asking.
    const entered = enter(signal)
    await Promise.all([onQueue(), entered]).catch(async (error: unknown) => {
      // What could not be said keeps nobody a place.
      await entered.then(release, () => {})
      throw error
    })
  }

  return {
    async take(signal, onQueue = async () => {}) {
      await occupy(signal, onQueue)
      let isHeld = true
      let isOver = false
      let entering: Promise<void> | null = null
      const vacate = () => {
        if (isHeld) release()
        isHeld = false
      }
      /** However many works end at once, one place is waited for. */
      const enterAgain = (): Promise<void> => {
        if (isHeld || isOver) return Promise.resolve()
        entering ??= occupy(signal, onQueue)
          .then(() => {
            isHeld = true
            // Nobody is left to give it back.
            if (isOver) vacate()
          })
          .finally(() => {
            entering = null
          })
        return entering
      }
      return {
        giveBack() {
          isOver = true
          vacate()
        },
        async lend(work) {
          vacate()
          try {
            return await work()
          } finally {
            // Also after a failure, which may be borne. An end has its own reason, and needs no place.
            if (!signal.aborted) await enterAgain()
          }
        },
      }
    },
  }
}
