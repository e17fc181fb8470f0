import { readServerSentEvents } from '@lictor/wire'
import { useEffect, useEffectEvent, useState } from 'react'
import { addressOf, errorOf } from '../api/http.ts'

/** What happened in a run, one after the other; `sequence` counts from 1 without gaps. */
export interface JournalEvent {
  readonly type: string
  readonly sequence: number
  /** ISO 8601, UTC. */
  readonly timestamp: string
  readonly [field: string]: unknown
}

export interface Journal {
  readonly events: readonly JournalEvent[]
  /** `reading` until what has happened is here; `away` while the connection is looked for again. */
  readonly state: 'reading' | 'live' | 'ended' | 'away'
  /** Why it cannot be read at all. */
  readonly error: unknown
}

/** Milliseconds in which arrivals are collected: a run that talks fast must not draw the page for each word. */
const GATHER = 80
/** Milliseconds after which a stream that broke is opened anew. */
const PAUSE = 1_500

const NOTHING: Journal = { events: [], state: 'reading', error: null }

/**
 * Reads a run's stream while the tab is looked at, and goes on where it was: a hidden tab holds no connection, of which a
 * browser has six to one server.
 *
 * @param path of the stream, or null while it is not known whether there is one
 * @param isLast whether nothing comes after an event of this type
 */
export function useJournal(path: string | null, isLast: (type: string) => boolean): Journal {
  const [journal, setJournal] = useState<{ path: string | null } & Journal>({ path, ...NOTHING })
  const ends = useEffectEvent(isLast)
  if (journal.path !== path) setJournal({ path, ...NOTHING })

  useEffect(() => {
    if (path === null) return
    const life = new AbortController()
    let reading: AbortController | null = null
    let pause: ReturnType<typeof setTimeout> | undefined
    let gather: ReturnType<typeof setTimeout> | undefined
    let arrived: JournalEvent[] = []
    let last = 0
    let isOver = false

    const put = (change: Partial<Journal>) => setJournal((now) => (now.path === path ? { ...now, ...change } : now))
    const flush = () => {
      clearTimeout(gather)
      gather = undefined
      const news = arrived
      arrived = []
      setJournal((now) =>
        now.path === path
          ? { ...now, events: [...now.events, ...news], state: isOver ? 'ended' : 'live', error: null }
          : now,
      )
    }
    const read = async () => {
      clearTimeout(pause)
      if (reading || isOver || life.signal.aborted || document.hidden) return
      const current = new AbortController()
      reading = current
      try {
        const response = await fetch(addressOf(path), {
          headers: { Accept: 'text/event-stream', ...(last > 0 ? { 'Last-Event-ID': String(last) } : {}) },
          credentials: 'same-origin',
          signal: AbortSignal.any([life.signal, current.signal]),
        })
        if (!response.ok || !response.body) {
          // A refusal does not change by asking again; a server that is not well may.
          if (response.status < 500) isOver = true
          throw await errorOf(response)
        }
        for await (const { data } of readServerSentEvents(chunksOf(response.body))) {
          const event = JSON.parse(data) as JournalEvent
          if (!(event.sequence > last)) continue
          last = event.sequence
          arrived.push(event)
          if (ends(event.type)) isOver = true
          gather ??= setTimeout(flush, GATHER)
        }
        flush()
      } catch (error) {
        if (life.signal.aborted || current.signal.aborted) return
        put(isOver ? { state: 'ended', error } : { state: 'away' })
      } finally {
        if (reading === current) reading = null
      }
      if (!isOver && !life.signal.aborted) pause = setTimeout(() => void read(), PAUSE)
    }
    const onVisibility = () => {
      if (document.hidden) {
        reading?.abort()
        reading = null
      } else void read()
    }
    document.addEventListener('visibilitychange', onVisibility)
    void read()
    return () => {
      document.removeEventListener('visibilitychange', onVisibility)
      clearTimeout(pause)
      clearTimeout(gather)
      life.abort()
    }
  }, [path])
  return journal
}

/** Not every browser iterates over a stream by itself. */
async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    void reader.cancel().catch(() => {})
  }
}
