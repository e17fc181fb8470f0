import { request } from '../../api/http.ts'
import type { Answer } from '../../api/types.ts'

export type Rotated = Answer<'/api/v1/settings/rotate-signing-key', 'post', 201>
export type Purged = Answer<'/api/v1/settings/purge-events', 'delete'>

export const rotateSigningKey = () => request<Rotated>('/settings/rotate-signing-key', { method: 'POST' })
export const purgeEvents = (older_than_days: number) =>
  request<Purged>('/settings/purge-events', { method: 'DELETE', query: { older_than_days } })
export const rotateSealKey = () =>
  request<{ kid: string; algorithm: string }>('/v1/seal/keys/rotate', { method: 'POST', body: {} })
export const deleteTenant = (slug: string) => request<void>('/tenant', { method: 'DELETE', body: { slug } })
