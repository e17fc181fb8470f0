import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

export type Swarm = Element<Answer<'/v1/swarms', 'get'>['swarms']>
export type SwarmDetail = Answer<'/v1/swarms/{id}', 'get'>
export type Member = Element<Swarm['members']>
export type SwarmStatus = Swarm['status']
export const SWARM_STATUSES: readonly SwarmStatus[] = ['active', 'dissolving', 'dissolved']

/** Swarms on a page of the list. */
export const PAGE_SIZE = 50
/** Agents begin each other without an event that the console hears: milliseconds after which it looks again. */
const AGAIN = 4_000

const isOver = ({ status, members }: SwarmDetail) =>
  status === 'dissolved' && members.every(({ ended_at }) => ended_at !== null)

export const swarmQueries = {
  /** A page counts from 0; one more than it shows is read, to know whether there are others. */
  list: (status: SwarmStatus | undefined, page: number, size = PAGE_SIZE) =>
    queryOptions({
      queryKey: ['swarms', 'list', status ?? '', page, size],
      queryFn: ({ signal }) =>
        request<Answer<'/v1/swarms', 'get'>>('/v1/swarms', {
          query: { status: status ?? 'all', limit: size + 1, offset: page * size },
          signal,
        }),
      select: ({ swarms }) => ({ rows: swarms.slice(0, size), hasMore: swarms.length > size }),
      refetchInterval: AGAIN,
      placeholderData: keepPreviousData,
    }),
  /** One that is dissolved changes no more, once its members have ended. */
  one: (id: string) =>
    queryOptions({
      queryKey: ['swarms', 'one', id],
      queryFn: ({ signal }) => request<SwarmDetail>(`/v1/swarms/${encodeURIComponent(id)}`, { signal }),
      refetchInterval: ({ state }) => (state.data && isOver(state.data) ? false : AGAIN),
    }),
}
