import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

export type ServiceAccount = Element<Answer<'/api/v1/service-accounts', 'get'>>
export type Role = 'aegis:admin' | 'aegis:operator' | 'aegis:readonly'
/** The only answer that has the secret. */
export type CreatedAccount = Answer<'/api/v1/service-accounts', 'post', 201>
export type RuntimeKey = Element<Answer<'/v1/api-keys', 'get'>['api_keys']>
export type CreatedKey = Answer<'/v1/api-keys', 'post', 201>

export const accountQueries = {
  all: () =>
    queryOptions({
      queryKey: ['service-accounts'],
      queryFn: ({ signal }) => request<readonly ServiceAccount[]>('/service-accounts', { signal }),
    }),
  keys: () =>
    queryOptions({
      queryKey: ['runtime-keys'],
      queryFn: ({ signal }) => request<{ api_keys: readonly RuntimeKey[] }>('/v1/api-keys', { signal }),
      select: ({ api_keys }) => api_keys,
    }),
}

export const createAccount = (body: { name: string; role: Role; scopes: readonly string[] | null }) =>
  request<CreatedAccount>('/service-accounts', { method: 'POST', body })
export const revokeAccount = (id: string) =>
  request<void>(`/service-accounts/${encodeURIComponent(id)}`, { method: 'DELETE' })
export const createKey = (body: { name: string; scopes: readonly string[]; expires_at: string | null }) =>
  request<CreatedKey>('/v1/api-keys', { method: 'POST', body })
export const revokeKey = (id: string) =>
  request<unknown>(`/v1/api-keys/${encodeURIComponent(id)}`, { method: 'DELETE' })
