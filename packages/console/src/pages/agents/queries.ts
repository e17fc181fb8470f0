import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { AgentConnection } from '../../api/types.ts'

export const agentQueries = {
  /** Connections come and go without an event on the dashboard stream, hence the interval. */
  connected: () =>
    queryOptions({
      queryKey: ['agents'],
      queryFn: ({ signal }) => request<{ agents: readonly AgentConnection[] }>('/agents/status', { signal }),
      select: (answer) => answer.agents,
      refetchInterval: 10_000,
    }),
}
