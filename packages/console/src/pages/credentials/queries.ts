import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

export type Credential = Element<Answer<'/v1/credentials', 'get'>['credentials']>
export type Grant = Element<Credential['grants']>
export type Provider = Element<Answer<'/v1/credentials/providers', 'get'>['providers']>
export type BegunDevice = Answer<'/v1/credentials/oauth/device/initiate', 'post'>

export const credentialQueries = {
  all: () =>
    queryOptions({
      queryKey: ['credentials'],
      queryFn: ({ signal }) => request<{ credentials: readonly Credential[] }>('/v1/credentials', { signal }),
      select: ({ credentials }) => credentials,
    }),
  providers: () =>
    queryOptions({
      queryKey: ['oauth-providers'],
      queryFn: ({ signal }) => request<{ providers: readonly Provider[] }>('/v1/credentials/providers', { signal }),
      select: ({ providers }) => providers,
    }),
}

const one = (id: string) => `/v1/credentials/${encodeURIComponent(id)}`
const provider = (name: string) => `/v1/credentials/providers/${encodeURIComponent(name)}`

export const storeKey = (body: { provider: string; label: string | null; api_key: string }) =>
  request<Credential>('/v1/credentials/api-keys', { method: 'POST', body })
export const rotateCredential = ({ id, value }: { id: string; value: string }) =>
  request<Credential>(`${one(id)}/rotate`, { method: 'POST', body: { new_value: value } })
export const revokeCredential = (id: string) => request<unknown>(one(id), { method: 'DELETE' })
export interface NewGrant {
  readonly id: string
  readonly target_type: 'all_agents' | 'agent' | 'workflow'
  readonly target_value: string | null
}
export const grant = ({ id, ...body }: NewGrant) => request<Grant>(`${one(id)}/grants`, { method: 'POST', body })
export const takeBackGrant = ({ id, grantId }: { id: string; grantId: string }) =>
  request<unknown>(`${one(id)}/grants/${encodeURIComponent(grantId)}`, { method: 'DELETE' })

export interface NewProvider {
  readonly name: string
  readonly client_id: string
  readonly client_secret: string | null
  readonly authorization_url: string | null
  readonly token_url: string | null
  readonly device_authorization_url: string | null
  readonly scopes: readonly string[]
  readonly redirect_uris: readonly string[]
}
export const setProvider = ({ name, ...body }: NewProvider) =>
  request<Provider>(provider(name), { method: 'PUT', body })
export const removeProvider = (name: string) => request<unknown>(provider(name), { method: 'DELETE' })

export const beginSignIn = (body: { provider: string; label: string | null; redirect_uri: string }) =>
  request<{ authorization_url: string }>('/v1/credentials/oauth/initiate', { method: 'POST', body })
export const finishSignIn = (body: {
  code?: string
  state?: string
  iss?: string
  error?: string
  error_description?: string
}) => request<{ id: string }>('/v1/credentials/oauth/callback', { method: 'POST', body })
