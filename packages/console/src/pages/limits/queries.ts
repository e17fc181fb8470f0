import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element, HistogramBucket } from '../../api/types.ts'

type Used = Answer<'/v1/user/rate-limits/usage', 'get'>
export type Usage = Element<Used['usage']>
export type Override = Element<Answer<'/v1/admin/rate-limits/overrides', 'get'>['overrides']>
type Quota = Answer<'/v1/volumes/quota', 'get'>

export const WINDOWS = {
  '24h': { label: '24 hours', days: 1, bucketSeconds: 3_600 },
  '7d': { label: '7 days', days: 7, bucketSeconds: 21_600 },
  '30d': { label: '30 days', days: 30, bucketSeconds: 86_400 },
} as const
export type Window = keyof typeof WINDOWS

export const limitQueries = {
  /** What runs out comes back by itself, hence the interval. */
  usage: () =>
    queryOptions({
      queryKey: ['limits', 'usage'],
      queryFn: ({ signal }) => request<Used>('/v1/user/rate-limits/usage', { signal }),
      refetchInterval: 15_000,
    }),
  storage: () =>
    queryOptions({
      queryKey: ['limits', 'storage'],
      queryFn: ({ signal }) => request<Quota>('/v1/volumes/quota', { signal }),
    }),
  /** Governed calls over time. @param until milliseconds since 1970, on a bucket's edge so that it changes seldom */
  calls: (window: Window, until: number) =>
    queryOptions({
      queryKey: ['limits', 'calls', window, until],
      queryFn: ({ signal }) =>
        request<readonly HistogramBucket[]>('/events/histogram', {
          signal,
          query: {
            since: new Date(until - WINDOWS[window].days * 86_400_000).toISOString(),
            until: new Date(until).toISOString(),
            bucket_seconds: WINDOWS[window].bucketSeconds,
          },
        }),
    }),
  overrides: () =>
    queryOptions({
      queryKey: ['limits', 'overrides'],
      queryFn: ({ signal }) =>
        request<{ overrides: readonly Override[] }>('/v1/admin/rate-limits/overrides', { signal }),
      select: ({ overrides }) => overrides,
    }),
}

export interface NewOverride {
  readonly resource_type: string
  readonly bucket: string
  readonly limit_value: number
  readonly tenant_id: string | null
  readonly user_id: string | null
}

export const setOverride = (body: NewOverride) =>
  request<Override>('/v1/admin/rate-limits/overrides', { method: 'POST', body })
export const takeBackOverride = (id: string) =>
  request<unknown>(`/v1/admin/rate-limits/overrides/${encodeURIComponent(id)}`, { method: 'DELETE' })
