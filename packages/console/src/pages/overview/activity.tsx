import { useQuery } from '@tanstack/react-query'
import { fillBuckets } from '../../ui/buckets.ts'
import { Card, CardHeading } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { useAtNow } from '../../ui/ticker.ts'
import { totalOf, VERDICT_SERIES, VerdictBar } from '../../ui/verdict-bars.tsx'
import { statisticQueries } from './queries.ts'

const HOURS = 24
const BUCKET_SECONDS = 1_800

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
  const highest = Math.max(1, ...buckets.map(totalOf))
  const sum = buckets.reduce((all, bucket) => all + totalOf(bucket), 0)
  return (
    <Card aria-labelledby="activity">
      <CardHeading
        id="activity"
        aside={
          <ul className="flex min-w-0 flex-wrap justify-end gap-x-2 text-2xs text-muted max-sm:hidden">
            {VERDICT_SERIES.map(({ name, label, className }) => (
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
            <VerdictBar
              key={bucket.bucket_start}
              bucket={bucket}
              highest={highest}
              at={ofDay.format(new Date(bucket.bucket_start))}
            />
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

const ofDay = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
