import { useSyncExternalStore } from 'react'

function mediaHook(query: string): () => boolean {
  const media = window.matchMedia(query)
  const subscribe = (listener: () => void) => {
    media.addEventListener('change', listener)
    return () => media.removeEventListener('change', listener)
  }
  return () => useSyncExternalStore(subscribe, () => media.matches)
}

/** Whether the window is at least as wide as a Tailwind `lg`, where lists and details stand side by side. */
export const useWide = mediaHook('(min-width: 64rem)')

/** Whether it is at least as wide as a Tailwind `sm`, where rows have columns. */
export const useRoomy = mediaHook('(min-width: 40rem)')
