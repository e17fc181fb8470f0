import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { HistogramBucket, StatsOverview } from '../../api/types.ts'

export const statisticQueries = {
  overview: () =>
    queryOptions({
      queryKey: ['stats'],
      queryFn: ({ signal }) => request<StatsOverview>('/stats/overview', { signal }),
    }),
  histogram: (since: string, until: string, bucketSeconds: number) =>
    queryOptions({
      queryKey: ['histogram', bucketSeconds],
      queryFn: ({ signal }) =>
        request<readonly HistogramBucket[]>('/events/histogram', {
          signal,
          query: { since, until, bucket_seconds: bucketSeconds },
        }),
    }),
}
