import { useSyncExternalStore } from 'react'
import { serverNow } from '../api/clock.ts'

/** One timer for every clock on the page, so that all countdowns change in the same instant. */
const listeners = new Set<() => void>()
let now = serverNow()
let timer: ReturnType<typeof setInterval> | undefined
let isHeld = false

function tick(): void {
  if (isHeld) return
  now = serverNow()
  for (const notify of listeners) notify()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(tick, 1_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
}

function current(): number {
  if (!timer && !isHeld) now = serverNow()
  return now
}

/** While the server is away every clock stands still: a countdown that runs on would say what nobody knows. */
export function holdTime(held: boolean): void {
  if (isHeld === held) return
  isHeld = held
  tick()
}

const snapshot = () => (timer ? now : roundToSecond(current()))

/** The server's time in milliseconds, renewed each second while mounted. */
export const useNow = (): number => useSyncExternalStore(subscribe, snapshot)

/** What `read` makes of the time; draws anew only when that is something else, not each second. */
export const useAtNow = <Value extends string | number | boolean | undefined>(read: (now: number) => Value): Value =>
  useSyncExternalStore(subscribe, () => read(snapshot()))

const roundToSecond = (milliseconds: number) => Math.floor(milliseconds / 1_000) * 1_000
