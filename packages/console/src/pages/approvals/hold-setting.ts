import { useSyncExternalStore } from 'react'

/** Whether this person, in this browser, wants approvals held for a moment before they are sent. */
const KEY = 'lictor.hold'
const listeners = new Set<() => void>()

function stored(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'off'
  } catch {
    return true
  }
}

let holds = stored()

export function setHolds(next: boolean): void {
  holds = next
  try {
    if (next) localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, 'off')
  } catch {
    // Storage may be forbidden; the choice then lasts for this tab.
  }
  for (const notify of listeners) notify()
}

export const useHolds = (): boolean =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    () => holds,
  )
