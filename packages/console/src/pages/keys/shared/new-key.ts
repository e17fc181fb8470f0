import { useSyncExternalStore } from 'react'
import type { CreatedKey } from '../../../api/types.ts'
import { onSignOut } from '../../../app/sign-out.ts'

/**
 * Keys just created, held in this tab's memory only, so that the snippet on "Connect an agent" can contain them, and so that
 * none is gone before somebody took it. The server never shows a key again and nothing is written anywhere.
 */
interface NewKeys {
  /** Newest first, one for each environment. */
  readonly keys: readonly CreatedKey[]
  /** The newest, while nobody has said or shown that they have it. */
  readonly untaken: CreatedKey | null
}

const NONE: NewKeys = { keys: [], untaken: null }
let current = NONE
const listeners = new Set<() => void>()

function become(next: NewKeys): void {
  current = next
  for (const notify of listeners) notify()
}

export const rememberKey = (key: CreatedKey): void =>
  become({ keys: [key, ...current.keys.filter(({ env }) => env !== key.env)], untaken: key })

/** Somebody copied the key, or said that they have it. */
export const takeKey = (): void => become({ ...current, untaken: null })

onSignOut(() => become(NONE))

export const useNewKeys = (): NewKeys =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    () => current,
  )
