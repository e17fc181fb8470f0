import Type from 'typebox'
import { Conflict, InvalidInput, NotFound } from '../../errors.ts'
import type { Approval, Approvals } from '../../governance/governance.ts'
import { Instant, Maybe, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { actorOf } from '../../identity/caller.ts'
import { toWireTime } from '../../storage/instants.ts'
import { requireUuid, runtimeCallerOf } from '../http.ts'

const tags = ['human approvals']
const MAX_LIST = 500
const GONE = 'Request not found or already completed'
const INVALID = 'Invalid request ID'

const fields = {
  id: Type.String(),
  execution_id: Type.String({
    description: 'What asks: an execution, or a workflow run. Empty when an agent with an SDK asks.',
  }),
  tenant_id: Type.String(),
  agent_id: Type.String(),
  tool_name: Type.String(),
  prompt: Type.String(),
  created_at: Instant,
  timeout_seconds: Type.Integer(),
}
const PendingApproval = Type.Object(fields)
const Decided = Type.Object({ status: Type.String(), request_id: Type.String() })
const byId = Type.Object({ id: Type.String() })

const shown = (approval: Approval) => ({
  id: approval.id,
  execution_id: approval.subject?.id ?? '',
  tenant_id: approval.tenantId,
  agent_id: approval.agentId,
  tool_name: approval.toolName,
  prompt: approval.message,
  created_at: toWireTime(approval.createdAt),
  timeout_seconds: approval.timeoutSeconds,
})

/** The runtime's view of the one inbox: what the console shows at `/api/v1/approvals`. */
export function humanApprovalRoutes(app: App, approvals: Approvals): void {
  const find = async (tenantId: string, id: string): Promise<Approval> => {
    try {
      return await approvals.get(tenantId, requireUuid(id, INVALID))
    } catch (error) {
      if (error instanceof NotFound) throw new NotFound(GONE, GONE)
      throw error
    }
  }
  const decide = async (
    caller: ReturnType<typeof runtimeCallerOf>,
    id: string,
    decision: { approved: boolean; reason: string | null },
  ) => {
    const approval = await find(caller.tenantId, id)
    try {
      await approvals.decide({
        tenantId: caller.tenantId,
        id: approval.id,
        ...decision,
        decidedBy: actorOf(caller),
        decidedVia: 'api',
      })
    } catch (error) {
      if (error instanceof Conflict) throw new Conflict(GONE, GONE)
      throw error
    }
    return { status: decision.approved ? 'approved' : 'rejected', request_id: approval.id }
  }

  app.get(
    '/v1/human-approvals',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'approval:list' },
      schema: {
        tags,
        summary: 'What waits for a human',
        response: {
          200: Type.Object({
            pending_requests: Type.Array(PendingApproval),
            items: Type.Array(PendingApproval),
            count: Type.Integer(),
          }),
          ...runtimeFailures(401, 403),
        },
      },
    },
    async (request) => {
      const { tenantId } = runtimeCallerOf(request)
      const items = (await approvals.list(tenantId, { status: 'pending', limit: MAX_LIST, offset: 0 })).map(shown)
      return { pending_requests: items, items, count: items.length }
    },
  )

  app.get(
    '/v1/human-approvals/:id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'approval:read' },
      schema: {
        tags,
        summary: 'One request that waits for a human',
        params: byId,
        response: {
          200: Type.Object({ request: PendingApproval, ...fields }),
          ...runtimeFailures(400, 401, 403, 404),
        },
      },
    },
    async (request) => {
      const approval = await find(runtimeCallerOf(request).tenantId, request.params.id)
      if (approval.outcome.status !== 'pending') throw new NotFound(GONE, GONE)
      return { request: shown(approval), ...shown(approval) }
    },
  )

  app.post(
    '/v1/human-approvals/:id/approve',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'approval:approve' },
      schema: {
        tags,
        summary: 'Approve',
        params: byId,
        body: Type.Object({ feedback: Maybe(Type.String()), approved_by: Maybe(Type.String()) }),
        response: { 200: Decided, ...runtimeFailures(400, 401, 403, 404, 409, 422) },
      },
    },
    async (request) =>
      decide(runtimeCallerOf(request), request.params.id, { approved: true, reason: request.body.feedback ?? null }),
  )

  app.post(
    '/v1/human-approvals/:id/reject',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'approval:reject' },
      schema: {
        tags,
        summary: 'Reject, with a reason',
        params: byId,
        body: Type.Object({ reason: Type.String(), rejected_by: Maybe(Type.String()) }),
        response: { 200: Decided, ...runtimeFailures(400, 401, 403, 404, 409, 422) },
      },
    },
    async (request) => {
      const { reason } = request.body
      if (reason.trim() === '') throw new InvalidInput([{ loc: ['body', 'reason'], msg: 'A reason is required' }])
      return decide(runtimeCallerOf(request), request.params.id, { approved: false, reason })
    },
  )
}
