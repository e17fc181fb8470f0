import type { HistogramBucket } from '../api/types.ts'

/**
 * The server leaves empty buckets out; a chart needs them, or silence would look like business.
 * `since` and `until` in milliseconds; buckets are aligned to the epoch as the server's are.
 */
export function fillBuckets(
  buckets: readonly HistogramBucket[],
  since: number,
  until: number,
  bucketSeconds: number,
): readonly HistogramBucket[] {
  const size = bucketSeconds * 1_000
  const known = new Map(buckets.map((bucket) => [Date.parse(bucket.bucket_start), bucket]))
  const filled: HistogramBucket[] = []
  for (let start = Math.floor(since / size) * size; start < until; start += size)
    filled.push(
      known.get(start) ?? {
        bucket_start: new Date(start).toISOString(),
        allowed: 0,
        denied: 0,
        pending: 0,
        observed: 0,
      },
    )
  return filled
}
