/** At most `size` at once; the others wait their turn, in order. */
export interface Slots {
  /** Resolves with the function that gives the place back. Rejects with the signal's reason when it fires first. */
  take(signal: AbortSignal): Promise<() => void>
}

export function slots(size: number): Slots {
  let free = size
  const waiting: (() => void)[] = []
  const release = (): void => {
    const next = waiting.shift()
    if (next) next()
    else free++
  }
  const once = (): (() => void) => {
    let isHeld = true
    return () => {
      if (isHeld) release()
      isHeld = false
    }
  }
  return {
    take(signal) {
      if (signal.aborted) return Promise.reject(signal.reason)
      if (free > 0) {
        free--
        return Promise.resolve(once())
      }
      return new Promise((resolve, reject) => {
        const enter = () => {
          signal.removeEventListener('abort', giveUp)
          resolve(once())
        }
        const giveUp = () => {
          waiting.splice(waiting.indexOf(enter), 1)
          reject(signal.reason)
        }
        waiting.push(enter)
        signal.addEventListener('abort', giveUp, { once: true })
      })
    },
  }
}
