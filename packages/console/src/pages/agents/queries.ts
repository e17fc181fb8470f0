import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type {
  AgentConnection,
  AgentCoverage,
  AgentHistory,
  FleetCoverage,
  Registration,
  Resolution,
} from '../../api/types.ts'

const pathOf = (agentId: string) => `/agents/${encodeURIComponent(agentId)}`

export const agentQueries = {
  /** Connections come and go without an event on the dashboard stream, hence the interval. */
  connected: () =>
    queryOptions({
      queryKey: ['agents'],
      queryFn: ({ signal }) => request<{ agents: readonly AgentConnection[] }>('/agents/status', { signal }),
      select: (answer) => answer.agents,
      refetchInterval: 10_000,
    }),
  /** Everyone who was ever seen, by agent id. */
  registered: () =>
    queryOptions({
      queryKey: ['registrations'],
      queryFn: ({ signal }) => request<readonly Registration[]>('/agent-registrations', { signal }),
      refetchInterval: 30_000,
    }),
  /** Ids of agents that this server runs. */
  managed: () =>
    queryOptions({
      queryKey: ['managed'],
      queryFn: ({ signal }) => request<{ agents: readonly { name: string }[] }>('/v1/agents', { signal }),
      select: ({ agents }) => new Set(agents.map(({ name }) => name)),
      staleTime: 60_000,
    }),
  /** What an agent runs, and why: an assignment, a rule, or what it names itself. */
  resolved: (agentId: string, env: string) =>
    queryOptions({
      queryKey: ['resolved', agentId, env],
      queryFn: ({ signal }) =>
        request<Resolution>(`/assignment-rules/resolve/${encodeURIComponent(agentId)}`, { signal, query: { env } }),
    }),
  /** @param since a length of time back from now: `24h` */
  fleet: (since: string, env?: string) =>
    queryOptions({
      queryKey: ['coverage', since, env ?? ''],
      queryFn: ({ signal }) => request<FleetCoverage>('/agents/fleet-coverage', { signal, query: { since, env } }),
    }),
  coverage: (agentId: string, since: string) =>
    queryOptions({
      queryKey: ['coverage', agentId, since, 'agent'],
      queryFn: ({ signal }) =>
        request<AgentCoverage>(`${pathOf(agentId)}/coverage`, { signal, query: { since, include_verdicts: 'true' } }),
    }),
  history: (agentId: string) =>
    queryOptions({
      queryKey: ['history', agentId],
      queryFn: ({ signal }) => request<AgentHistory>(`${pathOf(agentId)}/history`, { signal, query: { limit: 50 } }),
    }),
}

/** An empty bundle takes the assignment back. */
export const assignBundle = (agentId: string, bundle: string) =>
  request<Registration>(`/agent-registrations/${encodeURIComponent(agentId)}`, {
    method: 'PATCH',
    body: { bundle_name: bundle },
  })
