import type { RequestOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import type { Transport } from '../http/transport.ts'

export interface PendingApproval {
  readonly id: string
  readonly execution_id: string
  readonly prompt: string
  readonly created_at: string
  /** 0: none. */
  readonly timeout_seconds: number
  readonly tenant_id?: string
}

export interface ApprovalRequest {
  readonly feedback?: string
  readonly approved_by?: string
}

export interface RejectionRequest {
  readonly reason: string
  readonly rejected_by?: string
}

export interface ApprovalResponse {
  readonly status: string
  readonly request_id?: string
}

/** Requests for a human's decision. Each call rejects with an `AegisError`; see there. */
export function approvalMethods(transport: Transport) {
  function approveRequest(
    approvalId: string,
    payload?: ApprovalRequest,
    options?: RequestOptions,
  ): Promise<ApprovalResponse>
  function approveRequest(
    approvalId: string,
    feedback?: string,
    approvedBy?: string,
    options?: RequestOptions,
  ): Promise<ApprovalResponse>
  async function approveRequest(
    approvalId: string,
    second?: ApprovalRequest | string,
    third?: RequestOptions | string,
    fourth?: RequestOptions,
  ): Promise<ApprovalResponse> {
    const isPayload = typeof second === 'object'
    const json = isPayload ? second : { feedback: second, approved_by: third }
    const options = isPayload ? (third as RequestOptions | undefined) : fourth
    return transport.json({ method: 'POST', path: path`/v1/human-approvals/${approvalId}/approve`, json }, options)
  }

  function rejectRequest(
    approvalId: string,
    payload: RejectionRequest,
    options?: RequestOptions,
  ): Promise<ApprovalResponse>
  function rejectRequest(
    approvalId: string,
    reason: string,
    rejectedBy?: string,
    options?: RequestOptions,
  ): Promise<ApprovalResponse>
  async function rejectRequest(
    approvalId: string,
    second: RejectionRequest | string,
    third?: RequestOptions | string,
    fourth?: RequestOptions,
  ): Promise<ApprovalResponse> {
    const isPayload = typeof second === 'object'
    const json = isPayload ? second : { reason: second, rejected_by: third }
    const options = isPayload ? (third as RequestOptions | undefined) : fourth
    return transport.json({ method: 'POST', path: path`/v1/human-approvals/${approvalId}/reject`, json }, options)
  }

  return {
    approveRequest,
    rejectRequest,

    async listPendingApprovals(options?: RequestOptions): Promise<readonly PendingApproval[]> {
      const answer = await transport.json<{ readonly pending_requests: readonly PendingApproval[] }>(
        { method: 'GET', path: '/v1/human-approvals' },
        options,
      )
      return answer.pending_requests
    },

    async getPendingApproval(approvalId: string, options?: RequestOptions): Promise<PendingApproval> {
      const answer = await transport.json<{ readonly request: PendingApproval }>(
        { method: 'GET', path: path`/v1/human-approvals/${approvalId}` },
        options,
      )
      return answer.request
    },
  }
}

export type ApprovalMethods = ReturnType<typeof approvalMethods>
