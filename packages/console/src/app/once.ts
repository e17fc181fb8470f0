import { useSyncExternalStore } from 'react'
import { onSignOut } from './sign-out.ts'

export interface Once<Value> {
  readonly keep: (value: Value) => void
  /** Somebody has it. */
  readonly take: () => void
  /** What nobody has taken yet; null when there is nothing. */
  readonly useUntaken: () => Value | null
}

/**
 * Something that the server shows once, held in this tab's memory until somebody says that they have it: neither Back nor
 * another page may take it unseen. Signing out forgets it.
 */
export function createOnce<Value>(): Once<Value> {
  let current: Value | null = null
  const listeners = new Set<() => void>()
  const become = (next: Value | null) => {
    current = next
    for (const notify of listeners) notify()
  }
  onSignOut(() => become(null))
  const subscribe = (listener: () => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  return {
    keep: become,
    take: () => become(null),
    useUntaken: () => useSyncExternalStore(subscribe, () => current),
  }
}
