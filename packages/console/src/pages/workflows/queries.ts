import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer } from '../../api/types.ts'

export type Workflow = Answer<'/v1/workflows', 'get'>['workflows'][number]
export type WorkflowDetail = Answer<'/v1/workflows/{name}', 'get'>
export type WorkflowRun = Answer<'/v1/workflows/executions', 'get'>['executions'][number]
export type WorkflowRunDetail = Answer<'/v1/workflows/executions/{id}', 'get'>

export const RUN_STATUSES = ['running', 'completed', 'failed', 'cancelled'] as const
/** Runs on a page of the list. */
export const PAGE_SIZE = 50

const at = (id: string) => encodeURIComponent(id)

export const workflowQueries = {
  all: () =>
    queryOptions({
      queryKey: ['workflows', 'all'],
      queryFn: ({ signal }) =>
        request<Answer<'/v1/workflows', 'get'>>('/v1/workflows', { query: { visible: true }, signal }),
      select: ({ workflows }) => workflows,
    }),
  one: (id: string) =>
    queryOptions({
      queryKey: ['workflows', 'one', id],
      queryFn: ({ signal }) => request<WorkflowDetail>(`/v1/workflows/${at(id)}`, { signal }),
    }),
  versions: (id: string) =>
    queryOptions({
      queryKey: ['workflows', 'versions', id],
      queryFn: ({ signal }) =>
        request<Answer<'/v1/workflows/{name}/versions', 'get'>>(`/v1/workflows/${at(id)}/versions`, { signal }),
      select: ({ versions }) => versions,
    }),
  /** A page counts from 0; one more than it shows is read, to know whether there are others. */
  runs: (
    { workflow, status }: { workflow?: string | undefined; status?: string | undefined },
    page = 0,
    size = PAGE_SIZE,
  ) =>
    queryOptions({
      queryKey: ['workflow-runs', 'list', workflow ?? '', status ?? '', page, size],
      queryFn: ({ signal }) =>
        request<Answer<'/v1/workflows/executions', 'get'>>('/v1/workflows/executions', {
          query: { workflow_id: workflow, status, limit: size + 1, offset: page * size },
          signal,
        }),
      select: ({ executions }) => ({ rows: executions.slice(0, size), hasMore: executions.length > size }),
      refetchInterval: 4_000,
      placeholderData: keepPreviousData,
    }),
  run: (id: string) =>
    queryOptions({
      queryKey: ['workflow-runs', 'one', id],
      queryFn: ({ signal }) => request<WorkflowRunDetail>(`/v1/workflows/executions/${at(id)}`, { signal }),
      refetchInterval: ({ state }) => (state.data?.status === 'running' ? 3_000 : false),
    }),
}

/** @param replaces a version that is registered, instead of being refused. */
export const registerWorkflow = ({ yaml, replaces }: { readonly yaml: string; readonly replaces: boolean }) =>
  request<Answer<'/v1/workflows', 'post'>>('/v1/workflows', {
    method: 'POST',
    yaml,
    query: replaces ? { force: true } : {},
  })

export const removeWorkflow = (id: string) => request<unknown>(`/v1/workflows/${at(id)}`, { method: 'DELETE' })

export const startWorkflow = (id: string, body: { readonly intent: string | null; readonly input: unknown }) =>
  request<Answer<'/v1/workflows/{name}/run', 'post'>>(`/v1/workflows/${at(id)}/run`, { method: 'POST', body })

export const cancelRun = (id: string) =>
  request<unknown>(`/v1/workflows/executions/${at(id)}/cancel`, {
    method: 'POST',
    body: { reason: 'Cancelled in the console.' },
  })

/** Answers the Human state that is under way, or the next one. */
export const answerRun = (id: string, body: { readonly response: string; readonly feedback: string | null }) =>
  request<unknown>(`/v1/workflows/executions/${at(id)}/signal`, { method: 'POST', body })
