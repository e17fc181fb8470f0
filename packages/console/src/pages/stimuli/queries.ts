import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { BASE_PATH } from '../../api/base-path.ts'
import { request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

type ListedStimulus = Element<Answer<'/v1/stimuli', 'get'>['stimuli']>
export type Stimulus = Omit<ListedStimulus, 'content_shortened' | 'content_bytes'>
export type Source = Element<Answer<'/v1/stimuli/sources', 'get'>['sources']>

/** Stimuli on a page of the list: each comes with the beginning of what it holds. */
export const PAGE_SIZE = 50

export const stimulusQueries = {
  /** A page counts from 0; one more than it shows is read, to know whether there are others. They come without an event. */
  list: (page: number) =>
    queryOptions({
      queryKey: ['stimuli', 'list', page],
      queryFn: ({ signal }) =>
        request<{ stimuli: readonly ListedStimulus[] }>('/v1/stimuli', {
          query: { limit: PAGE_SIZE + 1, offset: page * PAGE_SIZE },
          signal,
        }),
      select: ({ stimuli }) => ({ rows: stimuli.slice(0, PAGE_SIZE), hasMore: stimuli.length > PAGE_SIZE }),
      refetchInterval: 10_000,
      placeholderData: keepPreviousData,
    }),
  one: (id: string) =>
    queryOptions({
      queryKey: ['stimuli', 'one', id],
      queryFn: ({ signal }) => request<Stimulus>(`/v1/stimuli/${encodeURIComponent(id)}`, { signal }),
      // Whether it begins a run may still be open.
      refetchInterval: ({ state }) => (state.data?.status === 'received' ? 2_000 : false),
    }),
  sources: () =>
    queryOptions({
      queryKey: ['stimulus-sources'],
      queryFn: ({ signal }) => request<{ sources: readonly Source[] }>('/v1/stimuli/sources', { signal }),
      select: ({ sources }) => sources,
    }),
}

export interface NewSource {
  readonly source: string
  readonly workflow: string | null
  readonly router_agent: string | null
  readonly signature: 'aegis' | 'stripe'
  /** Null: the one that it has stays. */
  readonly secret: string | null
}

export const registerSource = (body: NewSource) => request<Source>('/v1/stimuli/sources', { method: 'POST', body })
export const removeSource = (source: string) =>
  request<unknown>(`/v1/stimuli/sources/${encodeURIComponent(source)}`, { method: 'DELETE' })
export const sendStimulus = (body: { source: string; content: unknown }) =>
  request<Answer<'/v1/stimuli', 'post', 202>>('/v1/stimuli', { method: 'POST', body })

/** Where the other system sends its webhooks to. */
export const webhookAddress = (source: string): string =>
  `${location.origin}${BASE_PATH}/v1/webhooks/${encodeURIComponent(source)}`
