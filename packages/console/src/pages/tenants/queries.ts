import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

export type Tenant = Element<Answer<'/v1/admin/tenants', 'get'>['tenants']>
export type SentInvitation = Answer<'/v1/admin/tenants/{slug}/invitations', 'post', 201>

/** As the server sells them; `system` has no limits. */
export const TIERS = ['free', 'pro', 'business', 'enterprise', 'system'] as const

export const tenantQueries = {
  all: () =>
    queryOptions({
      queryKey: ['all-tenants'],
      queryFn: ({ signal }) => request<{ tenants: readonly Tenant[] }>('/v1/admin/tenants', { signal }),
      select: ({ tenants }) => tenants,
    }),
}

const one = (slug: string) => `/v1/admin/tenants/${encodeURIComponent(slug)}`

export const makeTenant = (body: { slug: string; display_name: string; tier: string }) =>
  request<Tenant>('/v1/admin/tenants', { method: 'POST', body })
export const suspendTenant = (slug: string) => request<unknown>(`${one(slug)}/suspend`, { method: 'POST' })
export const resumeTenant = (slug: string) => request<unknown>(`${one(slug)}/resume`, { method: 'POST' })
export const deleteTenant = (slug: string) => request<unknown>(one(slug), { method: 'DELETE' })
export const inviteInto = ({ slug, email, role }: { slug: string; email: string; role: string }) =>
  request<SentInvitation>(`${one(slug)}/invitations`, { method: 'POST', body: { email, role } })
export const setQuotas = ({ slug, ...body }: { slug: string } & Partial<Tenant['quotas']>) =>
  request<Tenant>(`${one(slug)}/quotas`, { method: 'PUT', body })
