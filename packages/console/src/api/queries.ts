import { queryOptions } from '@tanstack/react-query'
import { request } from './http.ts'
import type {
  AgentConnection,
  ApiKey,
  Approval,
  ApprovalStatus,
  AuditEvent,
  BundleSummary,
  BundleVersion,
  CreatedKey,
  Deployment,
  Environment,
  Health,
  HistogramBucket,
  Me,
  StatsOverview,
  UploadedBundle,
} from './types.ts'

/** Reads, as TanStack Query options. The first element of a key names the resource; live events refresh by it. */
export const queries = {
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
  stats: () =>
    queryOptions({
      queryKey: ['stats'],
      queryFn: ({ signal }) => request<StatsOverview>('/stats/overview', { signal }),
    }),
  keys: () =>
    queryOptions({ queryKey: ['keys'], queryFn: ({ signal }) => request<readonly ApiKey[]>('/keys', { signal }) }),
  bundles: () =>
    queryOptions({
      queryKey: ['bundles'],
      queryFn: ({ signal }) => request<readonly BundleSummary[]>('/bundles', { signal }),
    }),
  versions: (name: string) =>
    queryOptions({
      queryKey: ['bundles', name],
      queryFn: ({ signal }) => request<readonly BundleVersion[]>(`/bundles/${encodeURIComponent(name)}`, { signal }),
    }),
  /** A version's text never changes, so it is fetched once. */
  yaml: (name: string, version: number) =>
    queryOptions({
      queryKey: ['yaml', name, version],
      queryFn: ({ signal }) =>
        request<string>(`/bundles/${encodeURIComponent(name)}/${version}/yaml`, { signal, as: 'text' }),
      staleTime: Number.POSITIVE_INFINITY,
    }),
  deployments: (filter: { env?: string; bundle_name?: string; limit?: number } = {}) =>
    queryOptions({
      queryKey: ['deployments', filter],
      queryFn: ({ signal }) =>
        request<readonly Deployment[]>('/deployments', { signal, query: { limit: 50, ...filter } }),
    }),
  approvals: (status: ApprovalStatus, limit = 100) =>
    queryOptions({
      queryKey: ['approvals', status, limit],
      queryFn: ({ signal }) => request<readonly Approval[]>('/approvals', { signal, query: { status, limit } }),
    }),
  approval: (id: string) =>
    queryOptions({
      queryKey: ['approvals', 'one', id],
      queryFn: ({ signal }) => request<Approval>(`/approvals/${encodeURIComponent(id)}`, { signal }),
    }),
  /** Connections come and go without an event on the dashboard stream, hence the interval. */
  agents: () =>
    queryOptions({
      queryKey: ['agents'],
      queryFn: ({ signal }) => request<{ agents: readonly AgentConnection[] }>('/agents/status', { signal }),
      select: (answer) => answer.agents,
      refetchInterval: 10_000,
    }),
  events: (filter: EventFilter & { limit?: number } = {}) =>
    queryOptions({
      queryKey: ['events', filter],
      queryFn: ({ signal }) => fetchEvents(filter, signal),
    }),
  histogram: (since: string, until: string, bucketSeconds: number) =>
    queryOptions({
      queryKey: ['histogram', bucketSeconds],
      queryFn: ({ signal }) =>
        request<readonly HistogramBucket[]>('/events/histogram', {
          signal,
          query: { since, until, bucket_seconds: bucketSeconds },
        }),
    }),
}

export interface EventFilter {
  readonly agent_id?: string
  readonly tool_name?: string
  readonly verdict?: string
  readonly mode?: string
  readonly search?: string
  /** ISO 8601, inclusive. */
  readonly since?: string
  readonly until?: string
}

/** Events, newest first. At most 1000 in one answer. */
export const fetchEvents = (
  filter: EventFilter & { limit?: number },
  signal?: AbortSignal,
): Promise<readonly AuditEvent[]> =>
  request<readonly AuditEvent[]>('/events', { query: { ...filter }, ...(signal ? { signal } : {}) })

/** Writes. Each throws ApiError or UnreachableError. */
export const commands = {
  setup: (body: { email: string; password: string; tenant_name: string | null }) =>
    request<{ message: string }>('/setup', { method: 'POST', body }),
  login: (body: { email: string; password: string }) =>
    request<{ message: string }>('/auth/login', { method: 'POST', body }),
  logout: () => request<{ message: string }>('/auth/logout', { method: 'POST' }),
  createKey: (body: { env: Environment; label: string | null }) =>
    request<CreatedKey>('/keys', { method: 'POST', body }),
  revokeKey: (id: string) => request<void>(`/keys/${id}`, { method: 'DELETE' }),
  uploadBundle: (yaml: string) => request<UploadedBundle>('/bundles', { method: 'POST', body: { yaml_content: yaml } }),
  deployBundle: (name: string, version: number, env: string) =>
    request<Deployment>(`/bundles/${encodeURIComponent(name)}/${version}/deploy`, { method: 'POST', body: { env } }),
  decideApproval: (id: string, approved: boolean, reason: string | null) =>
    request<Approval>(`/approvals/${id}`, { method: 'PUT', body: { approved, reason, decided_via: 'console' } }),
}
