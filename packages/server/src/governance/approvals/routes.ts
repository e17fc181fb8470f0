import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import { TooManyRequests } from '../../errors.ts'
import { keyOf, userOf, userOrKeyOf } from '../../http/caller.ts'
import { canonicalUuid, ErrorBody, failures, Instant, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { idempotencyKeyOf } from '../idempotency/idempotency.ts'
import { withAgentJson } from '../json-body.ts'
import type { Approval, ApprovalRequest } from './approval.ts'
import type { Approvals } from './approvals.ts'

const REQUESTS_PER_WINDOW = 10
const WINDOW_SECONDS = 60
const LONGEST_WAIT_SECONDS = 60
const tags = { tags: ['approvals'] }
const Name = Type.String({ maxLength: 255 })
const Status = Type.Enum(['pending', 'approved', 'denied', 'timeout'])
const TooLate = Type.Object(
  {
    ...ErrorBody.properties,
    decision: Type.Optional(
      Type.Object(
        {
          status: Type.Enum(['approved', 'denied', 'timeout']),
          decided_by: Nullable(Type.String()),
          decided_at: Nullable(Instant),
          decided_via: Type.String(),
        },
        { description: 'How it ended; absent when there is no such approval.' },
      ),
    ),
  },
  { description: 'Somebody, or the time-out, was first.' },
)
const params = Type.Object({ approval_id: Type.String({ format: 'uuid' }) })

const ApprovalBody = Type.Object({
  id: Type.String(),
  status: Status,
  agent_id: Type.String(),
  tool_name: Type.String(),
  tool_args: Nullable(Type.Any({ description: 'As the tool would be called with them.' })),
  message: Type.String(),
  env: Type.String(),
  timeout_seconds: Type.Integer(),
  timeout_effect: Type.String(),
  decision_source: Nullable(Type.String()),
  contract_name: Nullable(Type.String()),
  decided_by: Nullable(Type.String()),
  decided_at: Nullable(Instant),
  decision_reason: Nullable(Type.String()),
  decided_via: Nullable(Type.String()),
  created_at: Instant,
})

/** console-api §8.6.1. */
export function wireApproval(approval: Approval) {
  const { outcome } = approval
  const decided = outcome.status === 'approved' || outcome.status === 'denied' ? outcome : null
  return {
    id: approval.id,
    status: outcome.status,
    agent_id: approval.agentId,
    tool_name: approval.toolName,
    tool_args: approval.toolArgs,
    message: approval.message,
    env: approval.env,
    timeout_seconds: approval.timeoutSeconds,
    timeout_effect: approval.timeoutEffect,
    decision_source: approval.decisionSource,
    contract_name: approval.contractName,
    decided_by: decided?.decidedBy ?? null,
    decided_at: toWireTimeOrNull(decided?.decidedAt ?? null),
    decision_reason: decided?.decisionReason ?? null,
    decided_via: outcome.status === 'timeout' ? 'system' : (decided?.decidedVia ?? null),
    created_at: toWireTime(approval.createdAt),
  }
}

/** console-api §8.6.2–8.6.5. */
export function approvalRoutes(app: App, deps: { approvals: Approvals; limiter: RateLimiter }): void {
  const { approvals, limiter } = deps

  withAgentJson(app, (scope) => {
    scope.post(
      '/api/v1/approvals',
      {
        config: { access: 'agent', scope: 'environment' },
        schema: {
          ...tags,
          summary: 'Ask a person to allow a tool call',
          description: 'Repetitions with one `Idempotency-Key` make one approval, for 24 hours.',
          body: Type.Object({
            agent_id: Type.String({ maxLength: 255, description: 'Ignored: the header says who asks.' }),
            tool_name: Name,
            tool_args: Maybe(Type.Record(Type.String(), Type.Any())),
            message: Type.String({ maxLength: 10_000 }),
            timeout: Type.Integer({ minimum: 1, maximum: 86_400, default: 300, description: 'Seconds.' }),
            timeout_effect: Type.Enum(['deny', 'allow'], { default: 'deny' }),
            decision_source: Maybe(Name),
            contract_name: Maybe(Name),
          }),
          response: { 201: ApprovalBody, ...failures(401, 413, 422, 429) },
        },
      },
      async (request, reply) => {
        const caller = keyOf(request)
        const { body } = request
        const onceKey = idempotencyKeyOf(request)
        const asked: ApprovalRequest = {
          tenantId: caller.tenantId,
          agentId: caller.agentId ?? `key:${caller.keyPrefix}`,
          env: caller.env,
          toolName: body.tool_name,
          toolArgs: body.tool_args ?? null,
          message: body.message,
          timeoutSeconds: body.timeout,
          timeoutEffect: body.timeout_effect,
          decisionSource: body.decision_source ?? null,
          contractName: body.contract_name ?? null,
          executionId: null,
        }
        // A repetition asks for nothing new, so it does not count against the limit.
        const before = onceKey === null ? undefined : await approvals.requestedBefore(asked, onceKey)
        if (before) return reply.code(201).send(wireApproval(before))
        const bucket = `approval:${caller.tenantId}:${caller.agentId ?? 'unknown'}`
        const verdict = await limiter.hit(bucket, REQUESTS_PER_WINDOW, WINDOW_SECONDS)
        if (!verdict.allowed)
          throw new TooManyRequests('Too many approval requests. Please slow down.', verdict.retryAfter)
        return reply.code(201).send(wireApproval(await approvals.request(asked, onceKey)))
      },
    )
  })

  app.get(
    '/api/v1/approvals',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'List approvals, newest first',
        querystring: Type.Object({
          status: Type.Optional(Status),
          limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
          offset: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0 }),
        }),
        response: { 200: Type.Array(ApprovalBody), ...failures(401, 422) },
      },
    },
    async (request) => (await approvals.list(userOf(request).tenantId, request.query)).map(wireApproval),
  )

  app.get(
    '/api/v1/approvals/:approval_id',
    {
      config: { access: 'either', scope: 'environment' },
      schema: {
        ...tags,
        summary: 'Read an approval, or wait for its decision',
        params,
        querystring: Type.Object({
          wait: Type.Integer({
            minimum: 0,
            maximum: LONGEST_WAIT_SECONDS,
            default: 0,
            description: 'Seconds to wait for a decision; answers at once when there is one.',
          }),
        }),
        response: { 200: ApprovalBody, ...failures(401, 404, 422) },
      },
    },
    async (request, reply) => {
      const caller = userOrKeyOf(request)
      const id = canonicalUuid(request.params.approval_id)
      const approval = await approvals.get(caller.tenantId, id, caller.kind === 'key' ? caller.env : undefined)
      const { wait } = request.query
      if (wait === 0 || approval.outcome.status !== 'pending') return wireApproval(approval)
      return wireApproval(
        await approvals.settled(approval, { milliseconds: wait * 1000, signal: disconnectionOf(reply) }),
      )
    },
  )

  app.put(
    '/api/v1/approvals/:approval_id',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Approve or deny',
        description: 'Exactly one decision counts. Who is signed in decides; a `decided_by` in the body is ignored.',
        params,
        body: Type.Object({
          approved: Type.Boolean(),
          reason: Maybe(Type.String({ maxLength: 2000 })),
          decided_via: Maybe(Type.String({ maxLength: 64 })),
        }),
        response: { 200: ApprovalBody, 409: TooLate, ...failures(401, 403, 422) },
      },
    },
    async (request) => {
      const user = userOf(request)
      const { approved, reason, decided_via } = request.body
      const decided = await approvals.decide({
        tenantId: user.tenantId,
        id: canonicalUuid(request.params.approval_id),
        approved,
        reason: reason ?? null,
        decidedBy: user.email || `user:${user.userId}`,
        decidedVia: decided_via || 'console',
      })
      return wireApproval(decided)
    },
  )
}

/** Aborted when the client goes away before it is answered. */
function disconnectionOf(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => controller.abort())
  return controller.signal
}
