import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

export type Workload = Element<Answer<'/v1/seal/workloads', 'get'>['workloads']>
/** The only answer that has the address. */
export type RegisteredWorkload = Answer<'/v1/seal/workloads', 'post'>
export type SealSession = Element<Answer<'/v1/seal/sessions', 'get'>>
export type SecurityContext = Element<Answer<'/v1/security-contexts', 'get'>>

export const sealQueries = {
  workloads: () =>
    queryOptions({
      queryKey: ['seal', 'workloads'],
      queryFn: ({ signal }) => request<{ workloads: readonly Workload[] }>('/v1/seal/workloads', { signal }),
      select: ({ workloads }) => workloads,
    }),
  /** Sessions begin and run out by themselves, hence the interval. */
  sessions: () =>
    queryOptions({
      queryKey: ['seal', 'sessions'],
      queryFn: ({ signal }) => request<readonly SealSession[]>('/v1/seal/sessions', { signal }),
      refetchInterval: 15_000,
    }),
  contexts: () =>
    queryOptions({
      queryKey: ['seal', 'contexts'],
      queryFn: ({ signal }) => request<readonly SecurityContext[]>('/v1/security-contexts', { signal }),
    }),
}

export const registerWorkload = (body: {
  workload_id: string
  allowed_contexts: readonly string[]
  expires_at: string | null
}) => request<RegisteredWorkload>('/v1/seal/workloads', { method: 'POST', body })
export const revokeWorkload = (id: string) =>
  request<unknown>(`/v1/seal/workloads/${encodeURIComponent(id)}`, { method: 'DELETE' })
export const revokeSession = (executionId: string) =>
  request<unknown>(`/v1/seal/sessions/${encodeURIComponent(executionId)}`, { method: 'DELETE' })
export const saveContext = (body: unknown) =>
  request<{ name: string; version: number }>('/v1/security-contexts', { method: 'POST', body })
export const removeContext = (name: string) =>
  request<unknown>(`/v1/security-contexts/${encodeURIComponent(name)}`, { method: 'DELETE' })
