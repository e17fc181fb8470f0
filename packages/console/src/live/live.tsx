import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, use, useEffect, useEffectEvent, useRef, useState } from 'react'
import { API } from '../api/http.ts'
import { LIVE_EVENT_TYPES, type LiveEvent } from '../api/types.ts'
import { connectLive, type LiveStatus } from './connection.ts'
import { REFRESHES, throttleByName } from './refresh.ts'

const STREAM = `${API}/stream/dashboard`
type Listener = (event: LiveEvent) => void

interface Live {
  readonly status: LiveStatus
  readonly subscribe: (listener: Listener) => () => void
}

const LiveContext = createContext<Live>({ status: 'connecting', subscribe: () => () => {} })

/** Holds the tab's stream open while someone is signed in, and refreshes what each event makes stale. */
export function LiveProvider({ onSignedOut, children }: { onSignedOut: () => void; children: ReactNode }) {
  const client = useQueryClient()
  const [status, setStatus] = useState<LiveStatus>('connecting')
  const listeners = useRef(new Set<Listener>())
  const signedOut = useEffectEvent(onSignedOut)

  useEffect(() => {
    const refresh = throttleByName(
      (names) => void client.invalidateQueries({ predicate: ({ queryKey }) => names.has(String(queryKey[0])) }),
      1_000,
      (run, ms) => setTimeout(run, ms),
    )
    const connection = connectLive({
      types: LIVE_EVENT_TYPES,
      open: () => new EventSource(STREAM),
      probe: () =>
        fetch(STREAM, { method: 'HEAD' }).then(
          (r) => r.status,
          () => 0,
        ),
      random: Math.random,
      later: (run, ms) => {
        const timer = setTimeout(run, ms)
        return () => clearTimeout(timer)
      },
      onStatus: setStatus,
      onOpen: (resumed) => resumed && void client.invalidateQueries(),
      onEvent: (event) => {
        const live = event as LiveEvent
        refresh(REFRESHES[live.type] ?? [])
        for (const listener of listeners.current) listener(live)
      },
      onSignedOut: () => signedOut(),
    })
    const retry = () => connection.retry()
    window.addEventListener('online', retry)
    return () => {
      window.removeEventListener('online', retry)
      connection.close()
    }
  }, [client])

  const [subscribe] = useState(() => (listener: Listener) => {
    listeners.current.add(listener)
    return () => void listeners.current.delete(listener)
  })
  return <LiveContext value={{ status, subscribe }}>{children}</LiveContext>
}

export const useLiveStatus = (): LiveStatus => use(LiveContext).status

/** Calls `listener` for each event of the stream while mounted. */
export function useLiveEvent(listener: Listener): void {
  const { subscribe } = use(LiveContext)
  const latest = useEffectEvent(listener)
  useEffect(() => subscribe((event) => latest(event)), [subscribe])
}
