import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { request, requestWithHeaders } from '../../api/http.ts'
import type { AuditEvent, EventFacets, HistogramBucket } from '../../api/types.ts'

export interface EventFilter {
  readonly agent_id?: string
  readonly tool_name?: string
  readonly verdict?: string
  readonly mode?: string
  readonly contract?: string
  readonly env?: string
  readonly policy_version?: string
  readonly search?: string
  /** ISO 8601, inclusive. */
  readonly since?: string
  readonly until?: string
}

export const eventQueries = {
  /** What one can filter by, counted by the server: it costs something, so it is not asked for at each event. */
  facets: (filter: EventFilter) =>
    queryOptions({
      queryKey: ['facets', filter],
      queryFn: ({ signal }) => request<EventFacets>('/events/facets', { signal, query: { ...filter } }),
      staleTime: 30_000,
      placeholderData: keepPreviousData,
    }),
  /** @param name what stands for the stretch of time, which slides */
  histogram: (name: string, filter: EventFilter & { since: string; until: string }, bucketSeconds: number) => {
    const { since: _since, until: _until, ...others } = filter
    return queryOptions({
      queryKey: ['histogram', name, bucketSeconds, others],
      queryFn: ({ signal }) =>
        request<readonly HistogramBucket[]>('/events/histogram', {
          signal,
          query: { ...filter, bucket_seconds: bucketSeconds },
        }),
      placeholderData: keepPreviousData,
    })
  },
  list: (filter: EventFilter & { limit?: number } = {}) =>
    queryOptions({
      queryKey: ['events', filter],
      queryFn: ({ signal }) => request<readonly AuditEvent[]>('/events', { signal, query: { ...filter } }),
    }),
  /** The newest call of a tool; null when there was none. */
  newestOf: (tool: string) =>
    queryOptions({
      queryKey: ['event', 'of', tool],
      queryFn: async ({ signal }): Promise<AuditEvent | null> =>
        (await request<readonly AuditEvent[]>('/events', { signal, query: { tool_name: tool, limit: 1 } }))[0] ?? null,
    }),
  /** With its payload whole, however large. */
  one: (id: string) =>
    queryOptions({
      queryKey: ['event', id],
      queryFn: ({ signal }) => request<AuditEvent>(`/events/${encodeURIComponent(id)}`, { signal }),
      staleTime: Number.POSITIVE_INFINITY,
    }),
}

/** Events, newest first. */
export interface EventPage {
  readonly events: readonly AuditEvent[]
  /** Where the next page begins; null when there is none. A page may be short for its bytes and not be the last. */
  readonly next: string | null
}

export async function fetchPage(
  filter: EventFilter & { limit?: number; cursor?: string },
  signal?: AbortSignal,
): Promise<EventPage> {
  const { body, headers } = await requestWithHeaders<readonly AuditEvent[]>('/events', {
    query: { ...filter },
    ...(signal ? { signal } : {}),
  })
  return { events: body, next: headers.get('x-next-cursor') }
}

/** Events in the order in which they arrived: whatever is stored late comes too. */
export interface Arrivals {
  readonly events: readonly AuditEvent[]
  /** The last that was looked at; go on from here. */
  readonly next: number
  /** Of what had arrived, not everything is here. */
  readonly more: boolean
}

export async function fetchArrivals(filter: EventFilter, afterSeq: number, limit: number): Promise<Arrivals> {
  const { body, headers } = await requestWithHeaders<readonly AuditEvent[]>('/events', {
    query: { ...filter, after_seq: afterSeq, limit },
  })
  return {
    events: body,
    next: Number(headers.get('x-next-seq') ?? body.at(-1)?.seq ?? afterSeq),
    more: headers.get('x-has-more') === 'true',
  }
}
