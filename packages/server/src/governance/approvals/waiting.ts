import { type LoggedRecord, STREAM_TOPIC } from '../../changes/stream-log.ts'
import type { Bus } from '../../ports/bus.ts'

/** Those who wait for approvals to be settled, on this process. */
export interface Waiting {
  /** Call `wake` when the approval may have been settled, or when waiting is over for all. The returned function stops listening. */
  listen(approvalId: string, wake: () => void): () => void
  /** From now on nobody is to wait: this server is about to stop. */
  readonly isOver: boolean
  end(): void
}

const settling = new Set(['approval_decided', 'approval_timeout'])

export function createWaiting(bus: Bus): Waiting {
  const listeners = new Map<string, Set<() => void>>()
  let isOver = false
  const unsubscribe = bus.subscribe(STREAM_TOPIC, (message) => {
    if (listeners.size === 0) return
    for (const record of message as LoggedRecord[]) {
      if (!settling.has(record.type)) continue
      const { approval_id } = JSON.parse(record.json) as { approval_id: string }
      for (const wake of [...(listeners.get(approval_id) ?? [])]) wake()
    }
  })
  const wakeAll = () => {
    for (const wakes of [...listeners.values()]) for (const wake of [...wakes]) wake()
  }
  // What was settled on another process meanwhile was not heard of.
  const endGaps = bus.onGap(wakeAll)
  return {
    listen(approvalId, wake) {
      const wakes = listeners.get(approvalId) ?? new Set()
      listeners.set(approvalId, wakes.add(wake))
      return () => {
        wakes.delete(wake)
        if (wakes.size === 0 && listeners.get(approvalId) === wakes) listeners.delete(approvalId)
      }
    },
    get isOver() {
      return isOver
    },
    end() {
      if (isOver) return
      isOver = true
      unsubscribe()
      endGaps()
      wakeAll()
    },
  }
}
