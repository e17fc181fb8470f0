import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

export type Channel = Element<Answer<'/api/v1/notifications/channels', 'get'>>
export type Kind = Channel['channel_type']
export type Filters = Channel['filters']
export type Tested = Answer<'/api/v1/notifications/channels/{channel_id}/test', 'post'>

export const channelQueries = {
  all: () =>
    queryOptions({
      queryKey: ['channels'],
      queryFn: ({ signal }) => request<readonly Channel[]>('/notifications/channels', { signal }),
      refetchInterval: 30_000,
    }),
  /** What to paste at Slack when an app is made there. */
  slackManifest: () =>
    queryOptions({
      queryKey: ['slack-manifest'],
      queryFn: ({ signal }) => request<string>('/slack/manifest', { as: 'text', signal }),
      staleTime: Number.POSITIVE_INFINITY,
    }),
}

const one = (id: string) => `/notifications/channels/${encodeURIComponent(id)}`

export interface NewChannel {
  readonly name: string
  readonly channel_type: Kind
  readonly config: Readonly<Record<string, string>>
  readonly filters: Filters
}
export const createChannel = (body: NewChannel) => request<Channel>('/notifications/channels', { method: 'POST', body })
export const changeChannel = ({
  id,
  ...body
}: { id: string } & Partial<Pick<Channel, 'name' | 'enabled' | 'config' | 'filters'>>) =>
  request<Channel>(one(id), { method: 'PUT', body })
export const deleteChannel = (id: string) => request<void>(one(id), { method: 'DELETE' })
export const testChannel = (id: string) => request<Tested>(`${one(id)}/test`, { method: 'POST' })
