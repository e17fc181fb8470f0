import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer } from '../../api/types.ts'

export type ExecutionDetail = Answer<'/v1/executions/{id}', 'get'>
export type ExecutionSummary = Answer<'/v1/executions', 'get'>['executions'][number]
export type ExecutionStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled'
export const EXECUTION_STATUSES: readonly ExecutionStatus[] = ['running', 'pending', 'completed', 'failed', 'cancelled']

export interface ExecutionFilter {
  readonly status?: string | undefined
  /** Id of the agent. */
  readonly agent?: string | undefined
}

/** Executions on a page of the list. */
export const PAGE_SIZE = 50

export const executionQueries = {
  /** A page counts from 0; one more than it shows is read, to know whether there are others. Runs come without an event. */
  list: ({ status, agent }: ExecutionFilter, page: number, size = PAGE_SIZE) =>
    queryOptions({
      queryKey: ['executions', 'list', status ?? '', agent ?? '', page, size],
      queryFn: ({ signal }) =>
        request<Answer<'/v1/executions', 'get'>>('/v1/executions', {
          query: { status, agent_id: agent, limit: size + 1, offset: page * size },
          signal,
        }),
      select: ({ executions }) => ({ rows: executions.slice(0, size), hasMore: executions.length > size }),
      refetchInterval: 4_000,
      placeholderData: keepPreviousData,
    }),
  one: (id: string) =>
    queryOptions({
      queryKey: ['executions', 'one', id],
      queryFn: ({ signal }) => request<ExecutionDetail>(`/v1/executions/${encodeURIComponent(id)}`, { signal }),
    }),
}

export interface Start {
  readonly intent: string | null
  readonly input: unknown
}

export const startExecution = (agentId: string, { intent, input }: Start) =>
  request<Answer<'/v1/executions', 'post'>>('/v1/executions', {
    method: 'POST',
    body: { agent_id: agentId, intent, input },
  })

export const cancelExecution = (id: string) =>
  request<Answer<'/v1/executions/{id}/cancel', 'post'>>(`/v1/executions/${encodeURIComponent(id)}/cancel`, {
    method: 'POST',
    body: { reason: 'Cancelled in the console.' },
  })

/** Where a file of the execution's workspace is. */
export const filePath = (id: string, path: string): string =>
  `/v1/executions/${encodeURIComponent(id)}/files/${path.split('/').filter(Boolean).map(encodeURIComponent).join('/')}`
