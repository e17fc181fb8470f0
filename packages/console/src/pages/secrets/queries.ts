import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

export type Secret = Element<Answer<'/v1/secrets', 'get'>['secrets']>
export type SecretVersion = Element<Answer<'/v1/secret-versions/{*}', 'get'>['versions']>
export type SecretValue = Answer<'/v1/secrets/{*}', 'get'>

/** Slashes are of the path, everything else is escaped. */
const at = (path: string) => path.split('/').map(encodeURIComponent).join('/')

export const secretQueries = {
  all: () =>
    queryOptions({
      queryKey: ['secrets'],
      queryFn: ({ signal }) => request<{ secrets: readonly Secret[] }>('/v1/secrets', { signal }),
      select: ({ secrets }) => secrets,
    }),
  versions: (path: string) =>
    queryOptions({
      queryKey: ['secret-versions', path],
      queryFn: ({ signal }) =>
        request<{ versions: readonly SecretVersion[] }>(`/v1/secret-versions/${at(path)}`, { signal }),
      select: ({ versions }) => versions,
    }),
}

/** Not a query: a value is kept in no cache, and each reading stands in the audit log. */
export const readSecret = (path: string) => request<SecretValue>(`/v1/secrets/${at(path)}`)
export const writeSecret = ({ path, ...body }: { path: string; value: string; expected_version: number | null }) =>
  request<unknown>(`/v1/secrets/${at(path)}`, { method: 'PUT', body })
export const deleteSecret = (path: string, version?: number) =>
  request<unknown>(`/v1/secrets/${at(path)}`, { method: 'DELETE', query: { version } })
