import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Approval, ApprovalStatus } from '../../api/types.ts'

/**
 * Waiting calls that are read. As many as the server gives at once: it begins with the newest, and the one that runs out
 * first may be the oldest.
 */
export const MOST_WAITING = 1_000

const list = (status: ApprovalStatus, limit: number) =>
  queryOptions({
    queryKey: ['approvals', status, limit],
    queryFn: ({ signal }) => request<readonly Approval[]>('/approvals', { signal, query: { status, limit } }),
  })

export const approvalQueries = {
  list,
  waiting: () => list('pending', MOST_WAITING),
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
