import { useSyncExternalStore } from 'react'

/** Whether the window is at least as wide as a Tailwind `lg`, where lists and details stand side by side. */
export const useWide = (): boolean => useSyncExternalStore(subscribe, () => wide.matches)

const wide = window.matchMedia('(min-width: 64rem)')
const subscribe = (listener: () => void) => {
  wide.addEventListener('change', listener)
  return () => wide.removeEventListener('change', listener)
}
