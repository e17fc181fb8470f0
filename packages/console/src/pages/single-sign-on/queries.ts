import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer } from '../../api/types.ts'

type ReadSaml = Answer<'/api/v1/sso/saml', 'get'>
export type SamlProvider = NonNullable<ReadSaml['provider']>

type Read = Answer<'/api/v1/sso/oidc', 'get'>
export type Provider = NonNullable<Read['provider']>

export const signOnQueries = {
  saml: () =>
    queryOptions({
      queryKey: ['single-sign-on', 'saml'],
      queryFn: ({ signal }) => request<ReadSaml>('/sso/saml', { signal }),
    }),
  provider: () =>
    queryOptions({
      queryKey: ['single-sign-on', 'oidc'],
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

export interface NewSamlProvider {
  /** What it says stands in place of the three that follow. */
  readonly metadata: string | null
  readonly entity_id: string | null
  readonly sso_url: string | null
  readonly certificate: string | null
  readonly label: string | null
  readonly new_members: SamlProvider['new_members']
}

export const setSamlProvider = (body: NewSamlProvider) =>
  request<Answer<'/api/v1/sso/saml', 'put'>>('/sso/saml', { method: 'PUT', body })
export const removeSamlProvider = () => request<void>('/sso/saml', { method: 'DELETE' })
