import Type from 'typebox'
import { idempotencyKeyOf } from '../../changes/idempotency/idempotency.ts'
import { TooManyRequests } from '../../errors.ts'
import { holdLongPoll } from '../../http/held-open.ts'
import { canonicalUuid, ErrorBody, failures, Instant, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { type KeyCaller, keyOf, userOf, userOrKeyOf } from '../../identity/caller.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { withAgentJson } from '../json-body.ts'
import { type Approval, type ListedApproval, LONGEST_TIMEOUT_SECONDS, type NewApproval } from './approval.ts'
import { type Approvals, wireReceipt } from './approvals.ts'
import { effectOf, rulesetApprovalRoutes, TimeoutAction } from './ruleset-routes.ts'

/** Of one agent, within a window; an agent id is what the caller says it is. */
const REQUESTS_PER_WINDOW = 10
/** Of one API key, whatever agents it speaks for. */
const REQUESTS_OF_KEY_PER_WINDOW = 600
const WINDOW_SECONDS = 60
const LONGEST_WAIT_SECONDS = 60
const tags = { tags: ['approvals'] }
const Name = Type.String({ maxLength: 255 })
const Status = Type.Enum(['pending', 'approved', 'denied', 'timeout', 'withdrawn'])
const ActionDigest = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description:
    'SHA-256, in hex, over the RFC 8785 form of `{agent_id, tool_name, tool_args, contract_name, policy_version}`, absent values null.',
})
const Receipt = Type.Object(
  {
    action_digest: Type.String(),
    approval_id: Type.String(),
    decision: Type.Enum(['approved', 'denied']),
    decided_by: Type.String(),
    decided_at: Instant,
    public_key: Type.String({ description: 'Hex.' }),
    signature: Type.String({
      description:
        'Hex; Ed25519 over the RFC 8785 form of `{action_digest, approval_id, decided_at, decided_by, decision}`.',
    }),
  },
  { description: "A person decided about exactly this action: signed by the tenant's key." },
)
const TooLate = Type.Object(
  {
    ...ErrorBody.properties,
    decision: Type.Optional(
      Type.Object(
        {
          status: Type.Enum(['approved', 'denied', 'timeout', 'withdrawn']),
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
  action_digest: Nullable(ActionDigest),
  session_id: Nullable(Type.String({ description: "The agent's own name for what the call belongs to." })),
  receipt: Nullable(Receipt),
  consumed_at: Nullable(Instant),
  asker: Type.Enum(['attached', 'detached'], {
    description:
      '`attached` while whoever asked waits: by a long poll, an open stream, or a poll within the last 30 seconds. A `detached` one may come back until the time is over.',
  }),
  asker_seen_at: Nullable(Instant),
  tool_args_shortened: Type.Boolean({
    description:
      'In lists: values of `tool_args` of more than 32 KiB are `{"$preview": the beginning, "$bytes": the size}`; the approval by itself has them whole.',
  }),
})

function wireApproval(approval: Approval | ListedApproval, asker: 'attached' | 'detached') {
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
    decision_reason: outcome.status === 'withdrawn' ? outcome.reason : (decided?.decisionReason ?? null),
    decided_via:
      outcome.status === 'timeout' || outcome.status === 'withdrawn' ? 'system' : (decided?.decidedVia ?? null),
    created_at: toWireTime(approval.createdAt),
    action_digest: approval.actionDigest,
    session_id: approval.sessionId,
    receipt: wireReceipt(approval),
    consumed_at: toWireTimeOrNull(approval.consumedAt),
    asker,
    asker_seen_at: toWireTimeOrNull(approval.askerSeenAt),
    tool_args_shortened: 'isShortened' in approval && approval.isShortened,
  }
}

/** Agents ask and wait; people list and decide. */
export function approvalRoutes(app: App, deps: { approvals: Approvals; limiter: RateLimiter }): void {
  const { approvals, limiter } = deps

  async function shown(approval: Approval) {
    const [asker = 'detached'] = await approvals.askers([approval])
    return wireApproval(approval, asker)
  }

  /** By agent and key, and by key alone: who names a new agent with each request is limited all the same. */
  async function limit({ keyId, agentId }: KeyCaller, perAgent: number): Promise<void> {
    const ofAgent = await limiter.hit(`approval:${keyId}:${agentId ?? ''}`, perAgent, WINDOW_SECONDS)
    const verdict = ofAgent.allowed
      ? await limiter.hit(`approval:${keyId}`, REQUESTS_OF_KEY_PER_WINDOW, WINDOW_SECONDS)
      : ofAgent
    if (!verdict.allowed) throw new TooManyRequests('Too many approval requests. Please slow down.', verdict.retryAfter)
  }

  async function ask(caller: KeyCaller, asked: NewApproval, onceKey: string | null, perAgent: number) {
    // A repetition asks for nothing new, so it does not count against the limit.
    const before = onceKey === null ? undefined : await approvals.requestedBefore(asked, onceKey)
    if (before) return before
    await limit(caller, perAgent)
    return approvals.request(asked, onceKey)
  }

  withAgentJson(app, (scope) => {
    rulesetApprovalRoutes(scope, { approvals, ask })

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
            timeout: Type.Integer({
              minimum: 1,
              maximum: LONGEST_TIMEOUT_SECONDS,
              default: 300,
              description: 'Seconds.',
            }),
            timeout_effect: Type.Enum(['deny', 'allow'], { default: 'deny' }),
            decision_source: Maybe(Name),
            contract_name: Maybe(Name),
            action_digest: Maybe(ActionDigest),
            timeout_action: Maybe(TimeoutAction),
            session_id: Maybe(Type.String({ maxLength: 1024, description: "The agent's own." })),
          }),
          response: { 201: ApprovalBody, ...failures(401, 413, 422, 429) },
        },
      },
      async (request, reply) => {
        const caller = keyOf(request)
        const { body } = request
        const onceKey = idempotencyKeyOf(request)
        const asked: NewApproval = {
          tenantId: caller.tenantId,
          agentId: caller.agentId ?? `key:${caller.keyPrefix}`,
          env: caller.env,
          toolName: body.tool_name,
          toolArgs: body.tool_args ?? null,
          message: body.message,
          timeoutSeconds: body.timeout,
          timeoutEffect: effectOf(body.timeout_action) ?? body.timeout_effect,
          decisionSource: body.decision_source ?? null,
          contractName: body.contract_name ?? null,
          subject: null,
          askedBy: caller.keyId,
          actionDigest: body.action_digest ?? null,
          sessionId: body.session_id ?? null,
        }
        return reply.code(201).send(await shown(await ask(caller, asked, onceKey, REQUESTS_PER_WINDOW)))
      },
    )

    scope.post(
      '/api/v1/approvals/:approval_id/consume',
      {
        config: { access: 'agent', scope: 'environment' },
        schema: {
          ...tags,
          summary: 'Begin the one call that an approval allows',
          description:
            'Succeeds once. Repetitions with one `Idempotency-Key` get the first answer, for 24 hours. 409: `approval_not_approved`, `action_mismatch` or `approval_consumed`.',
          params,
          body: Type.Object({ action_digest: ActionDigest }),
          response: {
            200: Type.Object({ id: Type.String(), action_digest: Type.String(), consumed_at: Instant }),
            409: Type.Object({ ...ErrorBody.properties, code: Type.Optional(Type.String()) }),
            ...failures(401, 404, 422),
          },
        },
      },
      async (request) => {
        const { tenantId, env, keyId } = keyOf(request)
        const id = canonicalUuid(request.params.approval_id)
        const { action_digest } = request.body
        const at = await approvals.consume(
          { tenantId, env, keyId, id, actionDigest: action_digest },
          idempotencyKeyOf(request),
        )
        return { id, action_digest, consumed_at: toWireTime(at) }
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
    async (request) => {
      const found = await approvals.list(userOf(request).tenantId, request.query)
      const askers = await approvals.askers(found)
      return found.map((approval, index) => wireApproval(approval, askers[index] ?? 'detached'))
    },
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
      if (approval.outcome.status !== 'pending') return shown(approval)
      const isAsker = caller.kind === 'key' && (caller.agentId ?? approval.agentId) === approval.agentId
      if (isAsker) await approvals.askerSeen(approval)
      if (wait === 0) return shown(isAsker ? await approvals.get(caller.tenantId, id) : approval)
      return holdLongPoll(reply, async (signal) =>
        shown(await approvals.settled(approval, { milliseconds: wait * 1000, signal, isAsker })),
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
        decidedVia: decided_via || (request.headers['x-requested-with'] === 'lictor-cli' ? 'cli' : 'console'),
      })
      return shown(decided)
    },
  )
}
