import { useQuery } from '@tanstack/react-query'
import { type PointerEvent, useRef, useState } from 'react'
import { fillBuckets } from '../../ui/buckets.ts'
import { plural } from '../../ui/plural.ts'
import { useAtNow } from '../../ui/ticker.ts'
import { totalOf, VerdictBar } from '../../ui/verdict-bars.tsx'
import { sinceOf } from './feed.ts'
import { type EventFilter, eventQueries } from './queries.ts'

const MINUTE = 60_000
const BARS = 60
/** Widths of a bar in seconds. */
const WIDTHS = [60, 300, 900, 1_800, 3_600, 10_800, 21_600, 86_400]

const ofMinute = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})
export const stretchText = (since: string, until: string): string =>
  `${ofMinute.format(new Date(since))} – ${ofMinute.format(new Date(until))}`

interface HistogramProps {
  readonly filter: EventFilter
  /** A length of time, or the instant of a begin; the last day when there is none. */
  readonly since: string | undefined
  readonly until: string | undefined
  /** A stretch was chosen by the pointer. */
  readonly onStretch: (since: string, until: string) => void
}

/** How many events there were, and when; dragging over it chooses a stretch. The keyboard chooses one in the menu. */
export function Histogram({ filter, since = '24h', until, onStretch }: HistogramProps) {
  const minute = useAtNow((now) => Math.floor(now / MINUTE) * MINUTE)
  const end = until ? Date.parse(until) : minute + MINUTE
  const begin = Date.parse(sinceOf(since, end) ?? '') || end - 1_440 * MINUTE
  const width = WIDTHS.find((seconds) => (end - begin) / 1_000 / seconds <= BARS) ?? 86_400
  const asked = { ...filter, since: new Date(begin).toISOString(), until: new Date(end).toISOString() }
  const histogram = useQuery({
    ...eventQueries.histogram(`${since} ${until ?? ''}`, asked, width),
    refetchInterval: until ? false : MINUTE,
  })
  const bars = fillBuckets(histogram.data ?? [], begin, end, width)
  const highest = Math.max(1, ...bars.map(totalOf))
  const sum = bars.reduce((all, bar) => all + totalOf(bar), 0)

  const plot = useRef<HTMLDivElement>(null)
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null)
  const barAt = ({ clientX }: PointerEvent) => {
    const box = plot.current?.getBoundingClientRect()
    if (!box) return 0
    return Math.min(bars.length - 1, Math.max(0, Math.floor(((clientX - box.left) / box.width) * bars.length)))
  }
  const finish = () => {
    if (!drag) return
    const [first, last] = [bars[Math.min(drag.from, drag.to)], bars[Math.max(drag.from, drag.to)]]
    setDrag(null)
    if (!first || !last) return
    const to = Math.min(Date.parse(last.bucket_start) + width * 1_000, end)
    onStretch(new Date(Date.parse(first.bucket_start)).toISOString(), new Date(to).toISOString())
  }
  const marked = drag && { left: Math.min(drag.from, drag.to), right: Math.max(drag.from, drag.to) + 1 }
  return (
    <div className="mb-3 shrink-0 max-sm:hidden">
      <div
        ref={plot}
        role="img"
        aria-label={`${plural(sum, 'event')}, ${stretchText(asked.since, asked.until)}`}
        className="relative flex h-14 cursor-crosshair touch-none select-none items-end gap-px border-b"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId)
          setDrag({ from: barAt(event), to: barAt(event) })
        }}
        onPointerMove={(event) => drag && setDrag({ ...drag, to: barAt(event) })}
        onPointerUp={finish}
        onPointerCancel={() => setDrag(null)}
      >
        {bars.map((bar) => (
          <VerdictBar
            key={bar.bucket_start}
            bucket={bar}
            highest={highest}
            at={ofMinute.format(new Date(bar.bucket_start))}
          />
        ))}
        {marked && (
          <span
            aria-hidden
            className="pointer-events-none absolute inset-y-0 border-accent border-x bg-accent/15"
            style={{
              left: `${(100 * marked.left) / bars.length}%`,
              width: `${(100 * (marked.right - marked.left)) / bars.length}%`,
            }}
          />
        )}
      </div>
      <div className="tabular mt-1 flex justify-between text-2xs text-faint">
        <span>{ofMinute.format(new Date(begin))}</span>
        <span>{until ? ofMinute.format(new Date(end)) : 'now'}</span>
      </div>
    </div>
  )
}
