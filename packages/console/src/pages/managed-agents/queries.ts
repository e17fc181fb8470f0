import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer } from '../../api/types.ts'

export type ManagedAgent = Answer<'/v1/agents', 'get'>['agents'][number]
export type ManagedAgentDetail = Answer<'/v1/agents/{id}', 'get'>
export type AgentVersion = Answer<'/v1/agents/{id}/versions', 'get'>['versions'][number]

export const managedAgentQueries = {
  all: () =>
    queryOptions({
      queryKey: ['managed-agents', 'all'],
      queryFn: ({ signal }) => request<Answer<'/v1/agents', 'get'>>('/v1/agents', { signal }),
      select: ({ agents }) => agents,
    }),
  one: (id: string) =>
    queryOptions({
      queryKey: ['managed-agents', 'one', id],
      queryFn: ({ signal }) => request<ManagedAgentDetail>(`/v1/agents/${encodeURIComponent(id)}`, { signal }),
    }),
  versions: (id: string) =>
    queryOptions({
      queryKey: ['managed-agents', 'versions', id],
      queryFn: ({ signal }) =>
        request<Answer<'/v1/agents/{id}/versions', 'get'>>(`/v1/agents/${encodeURIComponent(id)}/versions`, { signal }),
      select: ({ versions }) => versions,
    }),
}

/** @param replaces an agent of the same name and version, instead of being refused. */
export const deployAgent = ({ yaml, replaces }: { readonly yaml: string; readonly replaces: boolean }) =>
  request<Answer<'/v1/agents', 'post'>>('/v1/agents', {
    method: 'POST',
    yaml,
    query: replaces ? { force: true } : {},
  })

export const removeAgent = (id: string) =>
  request<Answer<'/v1/agents/{id}', 'delete'>>(`/v1/agents/${encodeURIComponent(id)}`, { method: 'DELETE' })
