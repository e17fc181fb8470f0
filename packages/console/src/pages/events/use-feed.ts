import { useQuery } from '@tanstack/react-query'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { type EventFilter, fetchEvents } from '../../api/queries.ts'
import { useLiveEvent, useLiveStatus } from '../../live/live.tsx'
import { arrived, EMPTY_FEED, extended, type Feed, newerThan, PAGE_SIZE, released, started } from './feed.ts'

interface FeedOptions {
  readonly filter: EventFilter
  /** Live updates are wanted at all; off when one looks at a moment in the past. */
  readonly live: boolean
  /** The reader is at the top, so new rows may be shown at once. */
  readonly following: boolean
}

/** Loads events page by page, older on scrolling, newer as the stream announces them. */
export function useFeed({ filter, live, following }: FeedOptions) {
  const [feed, setFeed] = useState<{ key: string; feed: Feed }>({ key: '', feed: EMPTY_FEED })
  const key = JSON.stringify(filter)
  const first = useQuery({
    queryKey: ['feed', key],
    queryFn: ({ signal }) => fetchEvents({ ...filter, limit: PAGE_SIZE }, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
  if (first.data && feed.key !== key) setFeed({ key, feed: started(first.data) })
  const current = feed.key === key ? feed.feed : EMPTY_FEED
  const change = (step: (feed: Feed) => Feed) =>
    setFeed((now) => (now.key === key ? { key, feed: step(now.feed) } : now))

  const [loadingOlder, setLoadingOlder] = useState(false)
  const [olderFailed, setOlderFailed] = useState(false)
  const loadOlder = async () => {
    const oldest = current.rows.at(-1)
    if (!oldest || loadingOlder || current.reachedEnd) return
    setLoadingOlder(true)
    setOlderFailed(false)
    try {
      const page = await fetchEvents({ ...filter, until: oldest.timestamp, limit: PAGE_SIZE })
      change((now) => extended(now, page))
    } catch {
      setOlderFailed(true)
    } finally {
      setLoadingOlder(false)
    }
  }

  const busy = useRef(false)
  const again = useRef(false)
  /** One request at a time; what is announced meanwhile is fetched by the next. A failure is made good by the next too. */
  const loadNewer = useEffectEvent(async () => {
    if (!live || !first.isSuccess) return
    if (busy.current) {
      again.current = true
      return
    }
    busy.current = true
    try {
      const since = newerThan(current) ?? filter.since
      const page = await fetchEvents({ ...filter, ...(since ? { since } : {}), limit: 1_000 })
      change((now) => arrived(now, page, following))
    } catch {
      again.current = false
    } finally {
      busy.current = false
    }
    if (again.current) {
      again.current = false
      setTimeout(() => void loadNewer(), 500)
    }
  })
  useLiveEvent((event) => {
    if (event.type === 'event_created') void loadNewer()
  })
  const status = useLiveStatus()
  useEffect(() => {
    if (status === 'live') void loadNewer()
  }, [status])

  return { first, feed: current, loadOlder, loadingOlder, olderFailed, release: () => change(released) }
}
