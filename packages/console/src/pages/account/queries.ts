import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

export type Session = Element<Answer<'/api/v1/auth/sessions', 'get'>>
export type BegunFactor = Answer<'/api/v1/auth/second-factor', 'post', 201>

export const accountQueries = {
  sessions: () =>
    queryOptions({
      queryKey: ['sessions'],
      queryFn: ({ signal }) => request<readonly Session[]>('/auth/sessions', { signal }),
    }),
  secondFactor: () =>
    queryOptions({
      queryKey: ['second-factor'],
      queryFn: ({ signal }) => request<Answer<'/api/v1/auth/second-factor', 'get'>>('/auth/second-factor', { signal }),
    }),
}

export const changePassword = (body: { present_password: string; password: string }) =>
  request<void>('/auth/password', { method: 'PUT', body })
export const endSession = (id: string) =>
  request<void>(`/auth/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' })
export const endOtherSessions = () => request<{ ended: number }>('/auth/sessions', { method: 'DELETE' })
export const beginFactor = () => request<BegunFactor>('/auth/second-factor', { method: 'POST' })
export const confirmFactor = (code: string) =>
  request<{ recovery_codes: readonly string[] }>('/auth/second-factor/confirm', { method: 'POST', body: { code } })
export const removeFactor = (code: string) =>
  request<void>('/auth/second-factor/remove', { method: 'POST', body: { code } })
export const goOnIn = (tenant_id: string) => request<unknown>('/auth/tenant', { method: 'PUT', body: { tenant_id } })
export const leaveTenant = () => request<void>('/auth/tenant/leave', { method: 'POST' })
