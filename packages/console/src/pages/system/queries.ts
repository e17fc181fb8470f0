import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

export type Health = Answer<'/api/v1/health/details', 'get'>
export type Cluster = Answer<'/v1/cluster/status', 'get'>
export type Node = Element<Cluster['nodes']>

/** What a server answers that is degraded; its answer says what is wrong. */
const DEGRADED = 503

export const systemQueries = {
  health: () =>
    queryOptions({
      queryKey: ['health-details'],
      queryFn: ({ signal }) => request<Health>('/health/details', { alsoReads: DEGRADED, signal }),
      refetchInterval: 30_000,
    }),
  cluster: () =>
    queryOptions({
      queryKey: ['cluster'],
      queryFn: ({ signal }) => request<Cluster>('/v1/cluster/status', { signal }),
      refetchInterval: 15_000,
    }),
}

const one = (id: string) => `/v1/cluster/nodes/${encodeURIComponent(id)}`

export const drainNode = (id: string) => request<Node>(`${one(id)}/drain`, { method: 'POST' })
export const activateNode = (id: string) => request<Node>(`${one(id)}/activate`, { method: 'POST' })
export const removeNode = (id: string) => request<unknown>(one(id), { method: 'DELETE' })
