import { queryOptions } from '@tanstack/react-query'
import { request } from '../api/http.ts'
import type { Health, Me } from '../api/types.ts'

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
}

export const setUp = (body: {
  email: string
  password: string
  tenant_name: string | null
  setup_token: string | null
}) => request<{ message: string }>('/setup', { method: 'POST', body })

export const signIn = (body: { email: string; password: string }) =>
  request<{ message: string }>('/auth/login', { method: 'POST', body })

export const signOut = () => request<{ message: string }>('/auth/logout', { method: 'POST' })
