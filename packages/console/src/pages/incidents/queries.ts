import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

export type Incident = Element<Answer<'/v1/security/incidents', 'get'>['incidents']>
export type Violation = Element<Answer<'/v1/storage/violations', 'get'>['violations']>

/** How many of each are read: the newest. */
export const MOST = 200

export const incidentQueries = {
  security: () =>
    queryOptions({
      queryKey: ['incidents'],
      queryFn: ({ signal }) =>
        request<{ incidents: readonly Incident[] }>('/v1/security/incidents', { query: { limit: MOST }, signal }),
      select: ({ incidents }) => incidents,
      refetchInterval: 15_000,
    }),
  storage: () =>
    queryOptions({
      queryKey: ['violations'],
      queryFn: ({ signal }) =>
        request<{ violations: readonly Violation[] }>('/v1/storage/violations', { query: { limit: MOST }, signal }),
      select: ({ violations }) => violations,
      refetchInterval: 15_000,
    }),
}
