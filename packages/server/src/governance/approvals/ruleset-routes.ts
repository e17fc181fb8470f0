import Type from 'typebox'
import { idempotencyKeyOf } from '../../changes/idempotency/idempotency.ts'
import { canonicalUuid, failures, Instant, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { type KeyCaller, keyOf } from '../../identity/caller.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import {
  type Approval,
  type ApprovalStatus,
  LONGEST_TIMEOUT_SECONDS,
  type NewApproval,
  type TimeoutEffect,
} from './approval.ts'
import type { Approvals } from './approvals.ts'

/** Of one agent, within a minute: these clients fail a call whose question is refused. */
const REQUESTS_PER_WINDOW = 60
const DEFAULT_TIMEOUT_SECONDS = 300
const tags = { tags: ['rulesets'] }

export const TimeoutAction = Type.Enum(['block', 'allow'], {
  description: 'As `timeout_effect`, in the words of rulesets: `block` is `deny`.',
})

/** What the words of rulesets mean in those of contracts. */
export function effectOf(action: 'block' | 'allow' | null | undefined): TimeoutEffect | null {
  if (action === undefined || action === null) return null
  return action === 'block' ? 'deny' : 'allow'
}

const Body = Type.Object({
  id: Type.String(),
  status: Type.Enum(['pending', 'approved', 'denied', 'timeout'], {
    description: 'A question that was taken back is `denied`: clients go on asking at a word they do not know.',
  }),
  agent_id: Type.String(),
  tool_name: Type.String(),
  message: Type.String(),
  timeout: Type.Integer({ description: 'Seconds.' }),
  timeout_action: TimeoutAction,
  session_id: Nullable(Type.String()),
  decided_by: Nullable(Type.String()),
  decided_at: Nullable(Instant),
  decision_reason: Nullable(Type.String()),
  reason: Nullable(Type.String({ description: 'The same, by the name that the Go SDK reads.' })),
  created_at: Instant,
})

function wireStatus(status: ApprovalStatus): 'pending' | 'approved' | 'denied' | 'timeout' {
  return status === 'withdrawn' ? 'denied' : status
}

function wireApproval(approval: Approval) {
  const { outcome } = approval
  const decided = outcome.status === 'approved' || outcome.status === 'denied' ? outcome : null
  const reason = outcome.status === 'withdrawn' ? outcome.reason : (decided?.decisionReason ?? null)
  return {
    id: approval.id,
    status: wireStatus(outcome.status),
    agent_id: approval.agentId,
    tool_name: approval.toolName,
    message: approval.message,
    timeout: approval.timeoutSeconds,
    timeout_action: approval.timeoutEffect === 'deny' ? ('block' as const) : ('allow' as const),
    session_id: approval.sessionId,
    decided_by: decided?.decidedBy ?? null,
    decided_at: toWireTimeOrNull(decided?.decidedAt ?? null),
    decision_reason: reason,
    reason,
    created_at: toWireTime(approval.createdAt),
  }
}

/** The door of the later SDKs to approvals (rulesets). */
export function rulesetApprovalRoutes(
  scope: App,
  deps: {
    approvals: Approvals
    ask: (caller: KeyCaller, asked: NewApproval, onceKey: string | null, perAgent: number) => Promise<Approval>
  },
): void {
  const { approvals, ask } = deps

  scope.post(
    '/v1/approvals',
    {
      config: { access: 'agent', scope: 'environment' },
      schema: {
        ...tags,
        summary: 'Ask a person to allow a tool call',
        body: Type.Object({
          agent_id: Maybe(Type.String({ maxLength: 255, description: 'Ignored where the header says who asks.' })),
          tool_name: Type.String({ minLength: 1, maxLength: 255 }),
          tool_args: Maybe(Type.Record(Type.String(), Type.Any())),
          message: Type.String({ maxLength: 10_000 }),
          timeout: Maybe(
            Type.Number({
              exclusiveMinimum: 0,
              maximum: LONGEST_TIMEOUT_SECONDS,
              description: `Seconds, rounded up; ${DEFAULT_TIMEOUT_SECONDS} where it is absent.`,
            }),
          ),
          timeout_action: Maybe(TimeoutAction),
          timeout_effect: Maybe(Type.Enum(['deny', 'allow'])),
          session_id: Maybe(Type.String({ maxLength: 1024, description: "The agent's own." })),
          rule_name: Maybe(Type.String({ maxLength: 255 })),
        }),
        response: { 201: Body, ...failures(401, 413, 422, 429) },
      },
    },
    async (request, reply) => {
      const caller = keyOf(request)
      const { body } = request
      const asked: NewApproval = {
        tenantId: caller.tenantId,
        agentId: caller.agentId ?? (body.agent_id || `key:${caller.keyPrefix}`),
        env: caller.env,
        toolName: body.tool_name,
        toolArgs: body.tool_args ?? null,
        message: body.message,
        timeoutSeconds: Math.ceil(body.timeout ?? DEFAULT_TIMEOUT_SECONDS),
        timeoutEffect: effectOf(body.timeout_action) ?? body.timeout_effect ?? 'deny',
        decisionSource: null,
        contractName: body.rule_name ?? null,
        subject: null,
        askedBy: caller.keyId,
        actionDigest: null,
        sessionId: body.session_id ?? null,
      }
      const approval = await ask(caller, asked, idempotencyKeyOf(request), REQUESTS_PER_WINDOW)
      return reply.code(201).send(wireApproval(approval))
    },
  )

  scope.get(
    '/v1/approvals/:approval_id',
    {
      config: { access: 'agent', scope: 'environment' },
      schema: {
        ...tags,
        summary: 'Read an approval',
        params: Type.Object({ approval_id: Type.String({ format: 'uuid' }) }),
        response: { 200: Body, ...failures(401, 404, 422) },
      },
    },
    async (request) => {
      const { tenantId, env, agentId } = keyOf(request)
      const id = canonicalUuid(request.params.approval_id)
      const approval = await approvals.get(tenantId, id, env)
      const isAsker = (agentId ?? approval.agentId) === approval.agentId
      if (isAsker && approval.outcome.status === 'pending') await approvals.askerSeen(approval)
      return wireApproval(approval)
    },
  )
}
