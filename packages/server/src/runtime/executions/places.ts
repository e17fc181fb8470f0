/** A place among those that run at once. */
export interface Place {
  /** Let others have it while `work` goes on, and wait for one again before what follows. */
  lend<T>(work: () => Promise<T>): Promise<T>
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
      const giveBack = () => {
        if (isHeld) release()
        isHeld = false
      }
      return {
        giveBack,
        async lend(work) {
          giveBack()
          const result = await work()
          await occupy(signal, onQueue)
          isHeld = true
          return result
        },
      }
    },
  }
}
