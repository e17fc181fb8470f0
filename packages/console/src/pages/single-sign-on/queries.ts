import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer } from '../../api/types.ts'

type Read = Answer<'/api/v1/sso/oidc', 'get'>
export type Provider = NonNullable<Read['provider']>

export const signOnQueries = {
  provider: () =>
    queryOptions({
      queryKey: ['single-sign-on'],
      queryFn: ({ signal }) => request<Read>('/sso/oidc', { signal }),
    }),
}

export interface NewProvider {
  readonly issuer: string
  readonly client_id: string
  /** Null keeps the one there is. */
  readonly client_secret: string | null
  readonly label: string | null
  readonly new_members: Provider['new_members']
}

export const setProvider = (body: NewProvider) => request<Provider>('/sso/oidc', { method: 'PUT', body })
export const removeProvider = () => request<void>('/sso/oidc', { method: 'DELETE' })
