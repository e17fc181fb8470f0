import { DispatchMessageError, parseAgentMessage } from '@lictor/aegis'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { Conflict, DomainError, InsufficientScope, NotFound, Unauthenticated } from '../../errors.ts'
import { runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { type Caller, callerOf } from '../../identity/caller.ts'
import { digestOf } from '../../identity/opaque-tokens.ts'
import { scopeOf, scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Tokens } from '../../identity/tokens/tokens.ts'
import { JsonObject } from '../http.ts'
import type { ExecutionStore } from '../record/store.ts'
import type { Attempts } from './attempts.ts'
import type { Conversation } from './conversation.ts'

const OrchestratorMessage = Type.Union([
  Type.Object({
    type: Type.Literal('dispatch'),
    dispatch_id: Type.String(),
    action: Type.String(),
    command: Type.Union([Type.String(), Type.Null()]),
    args: Type.Array(Type.String()),
    cwd: Type.String(),
    env_additions: Type.Record(Type.String(), Type.String()),
    timeout_secs: Type.Integer(),
    max_output_bytes: Type.Integer(),
    shell: Type.Optional(Type.Boolean()),
    follow_links: Type.Optional(
      Type.Boolean({
        description: 'False: the working folder was judged without links, and is entered without following any.',
      }),
    ),
  }),
  Type.Object({
    type: Type.Literal('final'),
    content: Type.String(),
    tool_calls_executed: Type.Integer(),
    conversation: Type.Array(Type.Any()),
  }),
])

const schema = {
  tags: ['dispatch'],
  body: JsonObject,
  response: { 200: OrchestratorMessage, ...runtimeFailures(400, 401, 403, 404, 409, 422, 429, 500, 502, 503) },
}

interface Deps {
  readonly attempts: Attempts
  readonly store: ExecutionStore
}

/** Who calls the gateway: an instance by the token in its address, or a bearer that may execute the agent. */
export async function authenticateDispatch(
  request: FastifyRequest,
  deps: {
    attempts: Attempts
    store: ExecutionStore
    tokens: Tokens
    requireActive: (scope: TenantScope) => Promise<void>
  },
): Promise<Caller> {
  const token = tokenOf(request)
  if (token === null) {
    const caller = await deps.tokens.authenticate(request)
    if (!caller.scopes.has('agent:execute')) throw new InsufficientScope('agent:execute')
    return caller
  }
  const attempt = deps.attempts.byToken(token)
  if (attempt) {
    const { id, tenantId } = attempt.execution
    await deps.requireActive(scopeOfRecord({ tenantId }))
    return { kind: 'execution', executionId: id, tenantId }
  }
  // Told apart from a token that never was: the instance learns that its time is over.
  if (await deps.store.findIterationByToken(digestOf(token)))
    throw new Conflict('This attempt has ended.', 'execution_ended')
  throw new Unauthenticated('Unauthorized')
}

/** The dispatch gateway, bound to its instance by the address itself. */
export function dispatchRoutes(app: App, deps: Deps): void {
  app.post(
    '/x/:token/v1/dispatch-gateway',
    {
      config: { access: 'dispatch', scope: 'tenant' },
      schema: {
        ...schema,
        summary: "An execution's own dispatch gateway",
        params: Type.Object({ token: Type.String() }),
      },
    },
    async (request) => {
      const attempt = deps.attempts.byToken(request.params.token)
      if (!attempt) throw new Conflict('This attempt has ended.', 'execution_ended')
      return answer(attempt, request.body)
    },
  )

  app.post(
    '/v1/dispatch-gateway',
    {
      config: { access: 'dispatch', scope: 'tenant' },
      schema: { ...schema, summary: 'The dispatch gateway, for bearers that may execute the agent' },
    },
    async (request) => {
      const message = parse(request.body)
      const execution = await deps.store.find(scopeOf(callerOf(request)), message.execution_id)
      const text = `Unknown or expired execution_id: ${message.execution_id}`
      if (!execution) throw new NotFound(text, text)
      const attempt = deps.attempts.byExecution(execution.id)
      if (!attempt) throw new Conflict('This execution is not running.', 'execution_ended')
      return answer(attempt, request.body)
    },
  )
}

async function answer(attempt: Conversation, body: unknown) {
  const reply = await attempt.answer(parse(body))
  return reply.type === 'final'
    ? { ...reply, conversation: [...reply.conversation] }
    : { ...reply, type: 'dispatch' as const, args: [...reply.args], env_additions: { ...reply.env_additions } }
}

function parse(body: unknown) {
  try {
    return parseAgentMessage(body)
  } catch (error) {
    if (error instanceof DispatchMessageError) throw new DomainError(422, 'invalid_message', error.message)
    throw error
  }
}

function tokenOf(request: FastifyRequest): string | null {
  const { token } = request.params as { token?: unknown }
  return typeof token === 'string' ? token : null
}
