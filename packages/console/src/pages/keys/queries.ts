import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { ApiKey, CreatedKey, Environment } from '../../api/types.ts'

export const keyQueries = {
  all: () =>
    queryOptions({ queryKey: ['keys'], queryFn: ({ signal }) => request<readonly ApiKey[]>('/keys', { signal }) }),
}

export const createKey = (body: { env: Environment; label: string | null }) =>
  request<CreatedKey>('/keys', { method: 'POST', body })

export const revokeKey = (id: string) => request<void>(`/keys/${encodeURIComponent(id)}`, { method: 'DELETE' })
