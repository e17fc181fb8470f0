import { useSyncExternalStore } from 'react'
import { serverNow } from '../api/clock.ts'

/** One timer for every clock on the page, so that all countdowns change in the same instant. */
const listeners = new Set<() => void>()
let now = serverNow()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(() => {
    now = serverNow()
    for (const notify of listeners) notify()
  }, 1_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
}

function current(): number {
  if (!timer) now = serverNow()
  return now
}

/** The server's time in milliseconds, renewed each second while mounted. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => (timer ? now : roundToSecond(current())))

const roundToSecond = (milliseconds: number) => Math.floor(milliseconds / 1_000) * 1_000
