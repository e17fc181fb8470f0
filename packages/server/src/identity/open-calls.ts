import type { Workers } from '../operations/workers.ts'
import type { Bus } from '../ports/bus.ts'
import type { Caller } from './caller.ts'
import type { Standing } from './standing.ts'

/** Something was withdrawn from somebody: who keeps calls open looks again who they belong to. */
const WITHDRAWN_TOPIC = 'access_withdrawn'
/** How late a withdrawal is seen whose message was lost, or which was written into the database by another hand. */
const LOOK_AGAIN_MS = 1_000

/** The streams and long polls that are open on this process. None outlives the access of the one who opened it. */
export interface OpenCalls {
  /** Call `end` once the caller's access is withdrawn. The returned function says that the call is over. */
  hold(caller: Caller | null, end: () => void): () => void
}

/** Tell every process that access was withdrawn. To be called when the withdrawal is in force. */
export type AnnounceWithdrawal = () => void

/** A message only makes a withdrawal known sooner; what it stands on is the database, which is asked each second. */
export function announceOn(bus: Bus, onError: (error: unknown) => void): AnnounceWithdrawal {
  return () => void bus.publish(WITHDRAWN_TOPIC, null).catch(onError)
}

export function createOpenCalls(deps: {
  standing: Standing
  bus: Bus
  workers: Workers
  onError: (error: unknown) => void
}): OpenCalls & { stop(): void } {
  const { standing, bus, workers, onError } = deps
  const held = new Set<{ readonly caller: Caller; readonly end: () => void }>()
  let looking: Promise<void> | null = null
  let isStale = false

  async function look(): Promise<void> {
    // `looking` is set before it can be cleared.
    await Promise.resolve()
    try {
      while (isStale) {
        isStale = false
        if (held.size === 0) continue
        const looked = [...held]
        const fallen = await standing.fallen(looked.map(({ caller }) => caller))
        for (const call of looked) if (fallen.has(call.caller) && held.delete(call)) call.end()
      }
    } finally {
      looking = null
    }
  }

  /** What is said while one looks is looked at in another round: it may have been read before it was in force. */
  function lookAgain(): Promise<void> {
    isStale = true
    looking ??= look()
    return looking
  }
  const lookNow = () => void lookAgain().catch(onError)

  const unsubscribe = bus.subscribe(WITHDRAWN_TOPIC, lookNow)
  const endGaps = bus.onGap(lookNow)
  workers.every('open_calls', LOOK_AGAIN_MS, lookAgain)

  return {
    hold(caller, end) {
      if (caller === null) return () => {}
      const call = { caller, end }
      held.add(call)
      return () => void held.delete(call)
    },
    stop() {
      unsubscribe()
      endGaps()
    },
  }
}
