import type { Readable } from 'node:stream'
import type { Clock } from '../../ports/clock.ts'
import type { RefusedAccess } from '../../ports/egress.ts'

/** Different refusals that are told of one door; what comes after is refused in silence. */
const MOST_TOLD = 100

/** Tell each refusal once, and not more than somebody could read. */
export function createTold(onRefused: (refused: RefusedAccess) => void): (refused: RefusedAccess) => void {
  const known = new Set<string>()
  return (refused) => {
    const key = JSON.stringify([refused.host, refused.port])
    if (known.has(key) || known.size >= MOST_TOLD) return
    known.add(key)
    onRefused(refused)
  }
}

/** One connection of a door, from its first moment. */
export interface Passage {
  /** Ends with the passage. */
  holds(end: { destroy(): unknown }): void
  /** Counts what this stream brings. Only for a stream that is being read already: this reads it, too. */
  measures(stream: Readable): void
  /** Ends both sides. */
  close(): void
}

/** The connections of one door: counted, measured, and ended together. */
export interface Traffic {
  readonly isExhausted: boolean
  /** Null when there are as many as there may be. */
  enter(): Passage | null
  end(): void
}

export function createTraffic(deps: {
  clock: Clock
  limits: { readonly bytes: number; readonly idleMs: number; readonly connections: number }
}): Traffic {
  const { clock, limits } = deps
  const passages = new Set<Passage>()
  let bytes = 0
  const end = () => {
    for (const passage of [...passages]) passage.close()
  }

  function enter(): Passage | null {
    if (passages.size >= limits.connections) return null
    const ends: { destroy(): unknown }[] = []
    let last = clock.now()
    let isOver = false
    let cancel = () => {}
    const look = () => {
      const idle = clock.now() - last
      if (idle >= limits.idleMs) passage.close()
      else cancel = clock.after(limits.idleMs - idle, look)
    }
    const passage: Passage = {
      holds(one) {
        if (isOver) one.destroy()
        else ends.push(one)
      },
      measures(stream) {
        stream.on('data', (chunk: Buffer) => {
          last = clock.now()
          bytes += chunk.length
          if (bytes > limits.bytes) end()
        })
      },
      close() {
        if (isOver) return
        isOver = true
        cancel()
        passages.delete(passage)
        for (const one of ends) one.destroy()
      },
    }
    cancel = clock.after(limits.idleMs, look)
    passages.add(passage)
    return passage
  }

  return {
    get isExhausted() {
      return bytes > limits.bytes
    },
    enter,
    end,
  }
}
