import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { BundleSummary, BundleVersion, Deployment, Replay, Rollout, UploadedBundle } from '../../api/types.ts'

const pathOf = (name: string) => `/bundles/${encodeURIComponent(name)}`

/** Deployments in one list. */
export const DEPLOYMENTS = 50
/** Events that a replay reads at most. */
const REPLAYED = 100_000

export const bundleQueries = {
  all: () =>
    queryOptions({
      queryKey: ['bundles'],
      queryFn: ({ signal }) => request<readonly BundleSummary[]>('/bundles', { signal }),
    }),
  versions: (name: string) =>
    queryOptions({
      queryKey: ['bundles', name],
      queryFn: ({ signal }) => request<readonly BundleVersion[]>(pathOf(name), { signal }),
    }),
  /** A version's text never changes, so it is fetched once. */
  yaml: (name: string, version: number) =>
    queryOptions({
      queryKey: ['yaml', name, version],
      queryFn: ({ signal }) => request<string>(`${pathOf(name)}/${version}/yaml`, { signal, as: 'text' }),
      staleTime: Number.POSITIVE_INFINITY,
    }),
  deployments: (filter: { env?: string; bundle_name?: string; limit?: number } = {}) =>
    queryOptions({
      queryKey: ['deployments', filter],
      queryFn: ({ signal }) =>
        request<readonly Deployment[]>('/deployments', { signal, query: { limit: DEPLOYMENTS, ...filter } }),
    }),
  rollout: (id: string) =>
    queryOptions({
      queryKey: ['rollout', id],
      queryFn: ({ signal }) => request<Rollout>(`/deployments/${encodeURIComponent(id)}/rollout`, { signal }),
    }),
  /** Which recorded calls a version decides otherwise. It costs the server something, so it is asked for once. */
  replay: (name: string, version: number, env: string, since: string) =>
    queryOptions({
      queryKey: ['replay', name, version, env, since],
      queryFn: () =>
        request<Replay>(`${pathOf(name)}/${version}/replay`, {
          method: 'POST',
          query: { env, since, limit: REPLAYED },
        }),
      staleTime: 60_000,
      refetchOnWindowFocus: false,
    }),
}

export const uploadBundle = (yaml: string) =>
  request<UploadedBundle>('/bundles', { method: 'POST', body: { yaml_content: yaml } })

export const deployBundle = (name: string, version: number, env: string) =>
  request<Deployment>(`${pathOf(name)}/${version}/deploy`, { method: 'POST', body: { env } })
