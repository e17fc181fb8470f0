import { queryOptions } from '@tanstack/react-query'
import { request } from '../api/http.ts'
import type { Answer, Health, HeldInvitation, Me, SignInOffers } from '../api/types.ts'

/** Who is signed in, and whether this server was set up at all. */
export const session = {
  health: () =>
    queryOptions({
      queryKey: ['health'],
      queryFn: ({ signal }) => request<Health>('/health', { signal }),
      staleTime: 60_000,
    }),
  me: () =>
    queryOptions({
      queryKey: ['me'],
      queryFn: ({ signal }) => request<Me>('/auth/me', { signal }),
      staleTime: 300_000,
    }),
  /** The tenants of which one is a member, also those that are suspended. */
  tenants: () =>
    queryOptions({
      queryKey: ['tenants'],
      queryFn: ({ signal }) => request<Answer<'/api/v1/auth/tenants', 'get'>>('/auth/tenants', { signal }),
      staleTime: 300_000,
    }),
  /** How the members of a tenant may sign in beside a password. */
  offers: (tenant: string) =>
    queryOptions({
      queryKey: ['sign-in-offers', tenant],
      queryFn: ({ signal }) => request<SignInOffers>(`/auth/sso?tenant=${encodeURIComponent(tenant)}`, { signal }),
      staleTime: 60_000,
    }),
  /** What the holder of a link is asked to. */
  invitation: (token: string) =>
    queryOptions({
      queryKey: ['invitation', token],
      queryFn: ({ signal }) => request<HeldInvitation>('/auth/invitation', { method: 'POST', body: { token }, signal }),
      staleTime: Number.POSITIVE_INFINITY,
    }),
}

export const setUp = (body: {
  email: string
  password: string
  tenant_name: string | null
  setup_token: string | null
}) => request<{ message: string }>('/setup', { method: 'POST', body })

export const signIn = (body: { email: string; password: string; code?: string | null }) =>
  request<{ message: string }>('/auth/login', { method: 'POST', body })

export const acceptInvitation = (body: { token: string; password: string | null; code: string | null }) =>
  request<{ message: string }>('/auth/invitation/accept', { method: 'POST', body })

export const requestPassword = (body: { email: string }) =>
  request<{ message: string }>('/auth/password-reset', { method: 'POST', body })

export const setPassword = (body: { token: string; password: string }) =>
  request<{ message: string }>('/auth/password-reset/complete', { method: 'POST', body })

export const signOut = () => request<{ message: string }>('/auth/logout', { method: 'POST' })
