import { useQuery } from '@tanstack/react-query'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { useLiveEvent, useLiveStatus } from '../../live/live.tsx'
import {
  arrived,
  asked,
  EMPTY_FEED,
  extended,
  type Feed,
  failed,
  PAGE_SIZE,
  released,
  started,
  withSeq,
} from './feed.ts'
import { type EventFilter, fetchArrivals, fetchPage } from './queries.ts'

interface FeedOptions {
  readonly filter: EventFilter
  /** Live updates are wanted at all; off when one looks at a moment in the past. */
  readonly live: boolean
  /** The reader is at the top, so new rows may be shown at once. */
  readonly following: boolean
}

/** Arrivals in one answer. */
const ARRIVALS = 1_000
/** Full answers after which a reader at the top begins anew: what is further down would be cut off anyway. */
const MANY = 2
/** Between two looks at what arrived. The first after a pause comes at once; in a flood once a second is as live as one can read, and each costs a drawing of the list. */
const APART_MS = 1_000

/** Loads events page by page: older ones on scrolling, new ones by the order of arrival as the stream announces them. */
export function useFeed({ filter, live, following }: FeedOptions) {
  const [feed, setFeed] = useState<{ key: string; feed: Feed }>({ key: '', feed: EMPTY_FEED })
  const key = JSON.stringify(filter)
  const first = useQuery({
    queryKey: ['feed', key],
    queryFn: ({ signal }) => fetchPage({ ...filter, limit: PAGE_SIZE }, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
  if (first.data && feed.key !== key) setFeed({ key, feed: started(first.data) })
  const current = feed.key === key ? feed.feed : EMPTY_FEED
  const change = (step: (feed: Feed) => Feed) =>
    setFeed((now) => {
      const next = now.key === key ? step(now.feed) : now.feed
      return next === now.feed ? now : { key, feed: next }
    })

  const [loadingOlder, setLoadingOlder] = useState(false)
  const [olderFailed, setOlderFailed] = useState(false)
  const loadOlder = async () => {
    const { older } = current
    if (older.kind !== 'page' || loadingOlder) return
    setLoadingOlder(true)
    setOlderFailed(false)
    change((now) => (now.older === older ? asked(now) : now))
    try {
      const { cursor, until } = older
      const page = await fetchPage({
        ...filter,
        ...(until ? { until } : {}),
        ...(cursor ? { cursor } : {}),
        limit: PAGE_SIZE,
      })
      // Rows that were cut off meanwhile are below another end than this page's.
      change((now) => (now.older === older ? extended(now, page) : now))
    } catch {
      change((now) => (now.older === older ? failed(now) : now))
      setOlderFailed(true)
    } finally {
      setLoadingOlder(false)
    }
  }

  const busy = useRef(false)
  const lastLook = useRef(Number.NEGATIVE_INFINITY)
  /** The last arrival that was looked at, known before the page is drawn with it: a slow page reads nothing twice. */
  const reached = useRef({ key: '', seq: 0 })
  const nextLook = useRef<ReturnType<typeof setTimeout> | null>(null)
  const isFollowing = useRef(following)
  isFollowing.current = following
  const anew = async () => {
    const { data } = await first.refetch()
    // The page was read behind all that was looked at so far.
    if (data) change(({ seq }) => withSeq(started(data), seq))
  }
  /** Everything that arrived, answer by answer, up to the newest; what is announced meanwhile is fetched by the next look. */
  const loadNewer = useEffectEvent(async () => {
    // Nobody looks at a hidden tab: it looks itself once when it is shown.
    if (!live || document.hidden || feed.key !== key || nextLook.current !== null) return
    const early = lastLook.current + APART_MS - performance.now()
    if (busy.current || early > 0) {
      nextLook.current = setTimeout(
        () => {
          nextLook.current = null
          void loadNewer()
        },
        Math.max(early, APART_MS / 20),
      )
      return
    }
    busy.current = true
    lastLook.current = performance.now()
    try {
      let after = Math.max(current.seq, reached.current.key === key ? reached.current.seq : 0)
      for (let full = 0; ; full++) {
        if (full >= MANY && isFollowing.current) {
          change((now) => withSeq(now, after))
          return await anew()
        }
        const arrivals = await fetchArrivals(filter, after, ARRIVALS)
        change((now) => arrived(now, arrivals, isFollowing.current))
        reached.current = { key, seq: arrivals.next }
        // Only what leads on is followed, so that no answer can make this go round for ever.
        if (!arrivals.more || !(arrivals.next > after)) break
        after = arrivals.next
      }
    } catch {
      // The next announcement, or the stream that is back, goes on from the last arrival that was looked at.
    } finally {
      busy.current = false
    }
  })
  useEffect(() => () => void (nextLook.current !== null && clearTimeout(nextLook.current)), [])
  useEffect(() => {
    const look = () => void loadNewer()
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [])
  useLiveEvent((event) => {
    if (event.type === 'event_created') void loadNewer()
  })
  const status = useLiveStatus()
  const isStarted = feed.key === key
  // biome-ignore lint/correctness/useExhaustiveDependencies: going on after a pause fetches what came meanwhile
  useEffect(() => {
    if (status === 'live' && isStarted) void loadNewer()
  }, [status, isStarted, live])

  return {
    first,
    feed: current,
    loadOlder,
    loadingOlder,
    olderFailed,
    /** Shows what was held. */
    release: async () => {
      const next = released(current)
      if (next) change(() => next)
      else await anew()
    },
  }
}
