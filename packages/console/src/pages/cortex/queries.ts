import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { ApiError, request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

export type Pattern = Element<Answer<'/v1/cortex/patterns', 'get'>['patterns']>
export type Metrics = Answer<'/v1/cortex/metrics', 'get'>

/** Patterns that are read: the weightiest. */
export const MOST = 200
/** Milliseconds after which it is looked again: agents learn without an event. */
const AGAIN = 15_000

/** The memory is switched off on this server. */
export const isOff = (error: unknown): boolean => error instanceof ApiError && error.status === 503

const retry = (failures: number, error: Error) => !isOff(error) && failures < 2

export const cortexQueries = {
  patterns: (q: string) =>
    queryOptions({
      queryKey: ['cortex', 'patterns', q],
      queryFn: ({ signal }) =>
        request<{ patterns: readonly Pattern[] }>('/v1/cortex/patterns', { query: { q, limit: MOST }, signal }),
      select: ({ patterns }) => patterns,
      refetchInterval: ({ state }) => (isOff(state.error) ? false : AGAIN),
      placeholderData: keepPreviousData,
      retry,
    }),
  metrics: () =>
    queryOptions({
      queryKey: ['cortex', 'metrics'],
      queryFn: ({ signal }) => request<Metrics>('/v1/cortex/metrics', { signal }),
      refetchInterval: ({ state }) => (isOff(state.error) ? false : AGAIN),
      retry,
    }),
}
