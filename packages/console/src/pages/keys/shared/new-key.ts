import { useSyncExternalStore } from 'react'
import type { CreatedKey } from '../../../api/types.ts'

/**
 * The key just created, held in this tab's memory only, so that the snippet on "Connect an agent" can contain it. The
 * server never shows it again and nothing is written anywhere.
 */
let current: CreatedKey | null = null
const listeners = new Set<() => void>()

export function rememberKey(key: CreatedKey | null): void {
  current = key
  for (const notify of listeners) notify()
}

export const useNewKey = (): CreatedKey | null =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    () => current,
  )
