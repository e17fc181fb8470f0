import { useQuery } from '@tanstack/react-query'
import type { HistogramBucket } from '../../api/types.ts'
import { Card, CardHeading } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { useAtNow } from '../../ui/ticker.ts'
import { fillBuckets } from './buckets.ts'
import { statisticQueries } from './queries.ts'

const HOURS = 24
const BUCKET_SECONDS = 1_800

const SERIES = [
  { name: 'allowed', label: 'Allowed', className: 'bg-chart-allow' },
  { name: 'observed', label: 'Would deny', className: 'bg-chart-observe' },
  { name: 'pending', label: 'Asked', className: 'bg-chart-ask' },
  { name: 'denied', label: 'Denied', className: 'bg-chart-deny' },
] as const

/** Verdicts of the last day, a bar each half hour. What was allowed is grey: colour is for what deserves a look. */
export function Activity() {
  const minute = useAtNow((now) => Math.floor(now / 60_000) * 60_000)
  const until = new Date(minute + 60_000)
  const since = new Date(minute - HOURS * 3_600_000)
  const histogram = useQuery({
    ...statisticQueries.histogram(since.toISOString(), until.toISOString(), BUCKET_SECONDS),
    refetchInterval: 60_000,
  })
  const buckets = fillBuckets(histogram.data ?? [], since.getTime(), until.getTime(), BUCKET_SECONDS)
  const highest = Math.max(1, ...buckets.map(total))
  const sum = buckets.reduce((all, bucket) => all + total(bucket), 0)
  return (
    <Card aria-labelledby="activity">
      <CardHeading
        id="activity"
        aside={
          <ul className="flex min-w-0 flex-wrap justify-end gap-x-2 text-2xs text-muted max-sm:hidden">
            {SERIES.map(({ name, label, className }) => (
              <li key={name} className="flex items-center gap-1 whitespace-nowrap">
                <span aria-hidden className={`size-2 rounded-xs ${className}`} />
                {label}
              </li>
            ))}
          </ul>
        }
      >
        Last 24 hours
      </CardHeading>
      <div className="px-4 pt-4 pb-3">
        <div
          role="img"
          aria-label={`${plural(sum, 'event')} in the last 24 hours`}
          className="flex h-28 items-end gap-px"
        >
          {buckets.map((bucket) => (
            <Bar key={bucket.bucket_start} bucket={bucket} highest={highest} />
          ))}
        </div>
        <div className="tabular mt-1.5 flex justify-between border-t pt-1.5 text-2xs text-faint">
          <span>24 h ago</span>
          <span>12 h</span>
          <span>now</span>
        </div>
      </div>
    </Card>
  )
}

const total = (bucket: HistogramBucket) => bucket.allowed + bucket.denied + bucket.pending + bucket.observed

const ofDay = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })

function Bar({ bucket, highest }: { bucket: HistogramBucket; highest: number }) {
  const words = SERIES.flatMap(({ name, label }) => (bucket[name] > 0 ? [`${label} ${bucket[name]}`] : []))
  return (
    <div
      className="flex h-full min-w-0 flex-1 flex-col-reverse justify-start gap-px hover:bg-hover"
      title={`${ofDay.format(new Date(bucket.bucket_start))}: ${words.join(', ') || 'nothing'}`}
    >
      {total(bucket) === 0 && <span className="h-px bg-line" />}
      {SERIES.map(({ name, className }) =>
        bucket[name] > 0 ? (
          <span
            key={name}
            className={`min-h-px rounded-xs ${className}`}
            style={{ height: `${(100 * bucket[name]) / highest}%` }}
          />
        ) : null,
      )}
    </div>
  )
}
