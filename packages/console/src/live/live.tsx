import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, use, useEffect, useEffectEvent, useRef, useState } from 'react'
import { UnreachableError } from '../api/http.ts'
import type { LiveEvent, LiveEventType } from '../api/types.ts'
import { holdTime } from '../ui/ticker.ts'
import type { LiveStatus } from './connection.ts'
import { findHolder } from './holder.ts'
import { throttleByName } from './refresh.ts'

type Listener = (event: LiveEvent) => void

interface Live {
  readonly status: LiveStatus
  readonly subscribe: (listener: Listener) => () => void
  readonly refresh: Refresh
}

/** Resources, by name, are stale. */
type Refresh = (names: readonly string[]) => void

const LiveContext = createContext<Live>({ status: 'connecting', subscribe: () => () => {}, refresh: () => {} })

interface LiveProviderProps {
  /** Live event → names of the resources that it makes stale. */
  readonly stale: ReadonlyMap<LiveEventType, readonly string[]>
  /** Resources that are read less often in a flood. */
  readonly counted: readonly string[]
  /** Resources that a hidden tab keeps fresh too, for the count in its title. */
  readonly alsoHidden: readonly string[]
  readonly onSignedOut: () => void
  readonly children: ReactNode
}

/** Milliseconds between two readings of what is stale; the first comes at once. */
const APART = 1_000
const COUNTED_APART = 5_000

/** Hears the stream while someone is signed in, and refreshes what each event makes stale. */
export function LiveProvider({ stale, counted, alsoHidden, onSignedOut, children }: LiveProviderProps) {
  const client = useQueryClient()
  const [status, setStatus] = useState<LiveStatus>('connecting')
  const listeners = useRef(new Set<Listener>())
  const signedOut = useEffectEvent(onSignedOut)
  const refreshing = useRef<Refresh>(() => {})

  useEffect(() => {
    const every = (milliseconds: number) =>
      throttleByName(
        (names) => void client.invalidateQueries({ predicate: ({ queryKey }) => names.has(String(queryKey[0])) }),
        milliseconds,
        (run, ms) => setTimeout(run, ms),
      )
    const [soon, later] = [every(APART), every(COUNTED_APART)]
    const refresh: Refresh = (names) => {
      soon(names.filter((name) => !counted.includes(name)))
      later(names.filter((name) => counted.includes(name)))
    }
    refreshing.current = refresh
    // Thirty tabs that all read anew at each event would be thirty times the work, for one that is looked at.
    const missed = new Set<string>()
    const onEvent = (event: LiveEvent) => {
      const names = stale.get(event.type) ?? []
      refresh(document.hidden ? names.filter((name) => alsoHidden.includes(name)) : names)
      if (document.hidden) for (const name of names) missed.add(name)
      for (const listener of listeners.current) listener(event)
    }
    const onVisibility = () => {
      if (document.hidden) return
      refresh([...missed])
      missed.clear()
    }

    const from = crypto.getRandomValues(new Uint32Array(4)).join('-')
    let current: LiveStatus = 'connecting'
    let wasLive = false
    const line = findHolder((message) => {
      switch (message.kind) {
        case 'who':
          return line.say({ kind: 'join', from })
        case 'signed out':
          return signedOut()
        case 'event':
          return onEvent(message.event as LiveEvent)
        case 'status': {
          const isBack = message.status === 'live' && current !== 'live'
          current = message.status
          setStatus(current)
          holdTime(current === 'away')
          // Events may have been missed meanwhile.
          if (isBack && wasLive) void client.invalidateQueries()
          wasLive ||= isBack
        }
      }
    })
    const say = (kind: 'join' | 'leave' | 'check') => line.say({ kind, from })
    const join = () => say('join')
    const leave = () => say('leave')
    const check = () => say('check')
    join()
    const unwatch = client.getQueryCache().subscribe((change) => {
      if (
        change.type === 'updated' &&
        change.action.type === 'error' &&
        change.action.error instanceof UnreachableError
      )
        check()
    })
    window.addEventListener('online', check)
    window.addEventListener('offline', check)
    window.addEventListener('pagehide', leave)
    window.addEventListener('pageshow', join)
    document.addEventListener('visibilitychange', onVisibility)
    return () => {
      unwatch()
      window.removeEventListener('online', check)
      window.removeEventListener('offline', check)
      window.removeEventListener('pagehide', leave)
      window.removeEventListener('pageshow', join)
      document.removeEventListener('visibilitychange', onVisibility)
      leave()
      line.close()
      holdTime(false)
    }
  }, [client, stale, counted, alsoHidden])

  const [subscribe] = useState(() => (listener: Listener) => {
    listeners.current.add(listener)
    return () => void listeners.current.delete(listener)
  })
  const [refresh] = useState((): Refresh => (names) => refreshing.current(names))
  return <LiveContext value={{ status, subscribe, refresh }}>{children}</LiveContext>
}

/** Says what this tab itself made stale. The stream says the same a moment later, and both together are one reading. */
export const useRefresh = (): Refresh => use(LiveContext).refresh

export const useLiveStatus = (): LiveStatus => use(LiveContext).status

/** Calls `listener` for each event of the stream while mounted. */
export function useLiveEvent(listener: Listener): void {
  const { subscribe } = use(LiveContext)
  const latest = useEffectEvent(listener)
  useEffect(() => subscribe((event) => latest(event)), [subscribe])
}
