import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { AssignmentRule } from '../../api/types.ts'

export interface RuleFields {
  readonly priority: number
  readonly pattern: string
  readonly tag_match: Readonly<Record<string, unknown>> | null
  readonly bundle_name: string
  readonly env: string
}

export const ruleQueries = {
  all: () =>
    queryOptions({
      queryKey: ['rules'],
      queryFn: ({ signal }) => request<readonly AssignmentRule[]>('/assignment-rules', { signal }),
    }),
}

export const saveRule = (id: string | null, body: RuleFields) =>
  id === null
    ? request<AssignmentRule>('/assignment-rules', { method: 'POST', body })
    : request<AssignmentRule>(`/assignment-rules/${encodeURIComponent(id)}`, { method: 'PATCH', body })

export const deleteRule = (id: string) =>
  request<void>(`/assignment-rules/${encodeURIComponent(id)}`, { method: 'DELETE' })

export const assignMany = (agentIds: readonly string[], bundle: string) =>
  request<{ updated: number }>('/agent-registrations/bulk-assign', {
    method: 'POST',
    body: { agent_ids: agentIds, bundle_name: bundle },
  })
