import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { ApiKey, CreatedKey, Environment } from '../../api/types.ts'

export const keyQueries = {
  all: () =>
    queryOptions({ queryKey: ['keys'], queryFn: ({ signal }) => request<readonly ApiKey[]>('/keys', { signal }) }),
}

export interface NewKey {
  readonly env: Environment
  readonly label: string | null
  /** What program uses it, where that is not `@lictor/guard`. */
  readonly client?: 'contracts' | 'rulesets'
  /** How that program reads the signature of what is deployed. */
  readonly signature?: 'hex' | 'base64'
}

export const createKey = (body: NewKey) => request<CreatedKey>('/keys', { method: 'POST', body })

export const revokeKey = (id: string) => request<void>(`/keys/${encodeURIComponent(id)}`, { method: 'DELETE' })
