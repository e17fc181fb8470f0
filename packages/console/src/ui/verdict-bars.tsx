import type { HistogramBucket } from '../api/types.ts'

/** What was allowed is grey: colour is for what deserves a look. */
export const VERDICT_SERIES = [
  { name: 'allowed', label: 'Allowed', className: 'bg-chart-allow' },
  { name: 'observed', label: 'Would deny', className: 'bg-chart-observe' },
  { name: 'pending', label: 'Asked', className: 'bg-chart-ask' },
  { name: 'denied', label: 'Denied', className: 'bg-chart-deny' },
] as const

export const totalOf = (bucket: HistogramBucket) => bucket.allowed + bucket.denied + bucket.pending + bucket.observed

/** One bar of a histogram, as high as its share of the highest. */
export function VerdictBar({ bucket, highest, at }: { bucket: HistogramBucket; highest: number; at: string }) {
  const words = VERDICT_SERIES.flatMap(({ name, label }) => (bucket[name] > 0 ? [`${label} ${bucket[name]}`] : []))
  return (
    <div
      className="flex h-full min-w-0 flex-1 flex-col-reverse justify-start gap-px hover:bg-hover"
      title={`${at}: ${words.join(', ') || 'nothing'}`}
    >
      {totalOf(bucket) === 0 && <span className="h-px bg-line" />}
      {VERDICT_SERIES.map(({ name, className }) =>
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
