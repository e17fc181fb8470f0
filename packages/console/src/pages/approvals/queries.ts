import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Approval, ApprovalStatus } from '../../api/types.ts'

export const approvalQueries = {
  list: (status: ApprovalStatus, limit = 100) =>
    queryOptions({
      queryKey: ['approvals', status, limit],
      queryFn: ({ signal }) => request<readonly Approval[]>('/approvals', { signal, query: { status, limit } }),
    }),
  one: (id: string) =>
    queryOptions({
      queryKey: ['approvals', 'one', id],
      queryFn: ({ signal }) => request<Approval>(`/approvals/${encodeURIComponent(id)}`, { signal }),
    }),
}

/** `keepalive` lets the request outlive the page that sent it. */
export const decideApproval = (id: string, approved: boolean, reason: string | null, keepalive = false) =>
  request<Approval>(`/approvals/${encodeURIComponent(id)}`, {
    method: 'PUT',
    body: { approved, reason, decided_via: 'console' },
    keepalive,
  })
