import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { onceOf } from '../../changes/idempotency/idempotency.ts'
import { BadRequest, NotFound } from '../../errors.ts'
import { Instant, Maybe, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { scopeOf } from '../../identity/scope.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import type { Agents } from '../agents/agents.ts'
import { requireOperator } from '../contexts/routes.ts'
import { sendFile } from '../files/send.ts'
import { flagOf, Json, ListOf, listed, pageOf, requireUuid, runtimeCallerOf } from '../http.ts'
import { headersOf } from '../limits/limits.ts'
import { attemptsOf } from '../plan/plan.ts'
import { isTerminal } from '../record/events.ts'
import type { Execution, ExecutionSummary } from '../record/execution.ts'
import type { JournalStreams } from '../record/streams.ts'
import type { Executions, StartedExecution } from './executions.ts'
import { IterationShape, shownIterations } from './iterations.ts'

const tags = ['executions']
const DEFAULT_PAGE = 20
const MAX_PAGE = 1000
const INVALID_EXECUTION = 'Invalid execution ID'
const INVALID_AGENT = 'Invalid agent ID'
const ONCE =
  'Repetitions with one `Idempotency-Key` start one execution, for 24 hours; each is answered as the first was.'

const summaryFields = {
  id: Type.String(),
  execution_id: Type.String(),
  agent_id: Type.String(),
  agent_name: Type.String(),
  agent_version: Type.String({
    description: 'Of its manifest, as it was when the execution began: that is what it runs on.',
  }),
  workflow_name: Type.Null(),
  status: Type.String({ description: 'pending, running, completed, failed or cancelled' }),
  started_at: Instant,
  ended_at: Nullable(Instant),
  created_at: Instant,
  updated_at: Instant,
  summary: Nullable(Type.String()),
  tenant_id: Type.String(),
  total_iterations: Type.Integer(),
  parent_execution_id: Nullable(Type.String({ description: 'The execution that began it, if one did.' })),
  waiting_for: Nullable(
    Type.Enum(['place', 'person', 'child'], {
      description:
        'What it waits for: a place, because as many executions run as may at once, a person who is asked about a tool call, or an execution that it began.',
    }),
  ),
}
const Summary = Type.Object(summaryFields)
const Detail = Type.Object({
  ...summaryFields,
  input: Json,
  intent: Nullable(Type.String()),
  output: Json,
  error: Nullable(Type.String()),
  hierarchy: Type.Object({
    parent_execution_id: Nullable(Type.String()),
    depth: Type.Integer({ description: 'From 0 for one that a caller began, to 3.' }),
    path: Type.Array(Type.String(), { description: 'Ids from the first of its family to itself.' }),
    swarm_id: Nullable(Type.String()),
  }),
  max_iterations: Type.Integer(),
  security_context_name: Type.String(),
  initiating_user_sub: Type.String(),
  iterations: Type.Array(IterationShape),
})
const StartBody = {
  input: Type.Optional(Json),
  workflow_input: Type.Optional(Json),
  intent: Maybe(Type.String()),
  context_overrides: Type.Optional(Json),
  attachments: Maybe(Type.Array(Json)),
}
const Started = Type.Object({
  execution_id: Type.String(),
  id: Type.String(),
  agent_id: Type.String(),
  status: Type.String(),
  output: Type.Null(),
})
const Done = Type.Object({
  status: Type.String(),
  success: Type.Boolean(),
  id: Type.String(),
  execution_id: Type.String(),
})
const byId = Type.Object({ id: Type.String() })
const Stream = Type.Unsafe<never>({ type: 'string', description: 'Server-sent events, each with an id and its type.' })

const shown = (execution: ExecutionSummary) => ({
  id: execution.id,
  execution_id: execution.id,
  agent_id: execution.agentId,
  agent_name: execution.agentName,
  agent_version: execution.agentVersion,
  workflow_name: null,
  status: execution.status,
  started_at: toWireTime(execution.startedAt),
  ended_at: toWireTimeOrNull(execution.endedAt),
  created_at: toWireTime(execution.startedAt),
  updated_at: toWireTime(execution.updatedAt),
  summary: execution.error,
  tenant_id: execution.tenantId,
  total_iterations: execution.totalIterations,
  parent_execution_id: execution.parentId,
  waiting_for: execution.waitingFor,
})
const detailed = (execution: Execution) => ({
  ...shown(execution),
  input: execution.input,
  intent: execution.intent,
  output: execution.output,
  error: execution.error,
  hierarchy: {
    parent_execution_id: execution.parentId,
    depth: execution.ancestors.length,
    path: [...execution.ancestors, execution.id],
    swarm_id: execution.swarmId,
  },
  max_iterations: attemptsOf(execution.manifest),
  security_context_name: execution.securityContext.name,
  initiating_user_sub: execution.startedBy,
})
/** With what is left of a limit, as headers. */
function answered(reply: FastifyReply, execution: StartedExecution) {
  if (execution.left) reply.headers(headersOf(execution.left))
  return started(execution)
}

const started = ({ id, agentId, status }: StartedExecution) => ({
  execution_id: id,
  id,
  agent_id: agentId,
  status,
  output: null,
})

/** Executions over HTTP. */
export function executionRoutes(
  app: App,
  deps: { executions: Executions; agents: Agents; streams: JournalStreams },
): void {
  const { executions, agents, streams } = deps

  app.post(
    '/v1/executions',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'agent:execute' },
      schema: {
        tags,
        summary: 'Start an execution',
        description: ONCE,
        body: Type.Object({ agent_id: Type.String(), ...StartBody }),
        response: { 200: Started, ...runtimeFailures(400, 401, 403, 404, 409, 422, 429) },
      },
    },
    async (request, reply) => {
      const { agent_id, ...rest } = request.body
      const caller = runtimeCallerOf(request)
      const once = onceOf(request, caller)
      return answered(reply, await executions.start(caller, requireUuid(agent_id, INVALID_AGENT), rest, { once }))
    },
  )

  app.post(
    '/v1/agents/:id/execute',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'agent:execute' },
      schema: {
        tags,
        summary: 'Start an execution of this agent',
        description: ONCE,
        params: byId,
        querystring: Type.Object({ version: Type.Optional(Type.String()) }),
        body: Type.Object(StartBody),
        response: { 200: Started, ...runtimeFailures(400, 401, 403, 404, 409, 422, 429) },
      },
    },
    async (request, reply) => {
      const id = requireUuid(request.params.id, INVALID_AGENT)
      const caller = runtimeCallerOf(request)
      const options = { version: request.query.version, once: onceOf(request, caller) }
      return answered(reply, await executions.start(caller, id, request.body, options))
    },
  )

  app.get(
    '/v1/executions',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'execution:list' },
      schema: {
        tags,
        summary: 'List executions, newest first',
        querystring: Type.Object({
          agent_id: Type.Optional(Type.String()),
          workflow_name: Type.Optional(Type.String()),
          status: Type.Optional(Type.String()),
          limit: Type.Optional(Type.String()),
          offset: Type.Optional(Type.String()),
        }),
        response: { 200: ListOf('executions', Summary), ...runtimeFailures(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const { agent_id, workflow_name, status, ...page } = request.query
      if (workflow_name !== undefined) {
        const message = `Workflow '${workflow_name}' not found`
        throw new NotFound(message, message)
      }
      const found = await executions.list(runtimeCallerOf(request), {
        agentId: agent_id === undefined ? null : requireUuid(agent_id, INVALID_AGENT),
        status: status?.toLowerCase() ?? null,
        ...pageOf(page, { fallback: DEFAULT_PAGE, max: MAX_PAGE }),
      })
      return listed('executions', found.map(shown))
    },
  )

  app.get(
    '/v1/executions/:id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'execution:read' },
      schema: {
        tags,
        summary: 'One execution',
        params: byId,
        response: { 200: Detail, ...runtimeFailures(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const id = requireUuid(request.params.id, INVALID_EXECUTION)
      const execution = await executions.get(runtimeCallerOf(request), id)
      const { iterations, interactions } = await executions.history(execution)
      return { ...detailed(execution), iterations: shownIterations(iterations, interactions) }
    },
  )

  app.post(
    '/v1/executions/:id/cancel',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'execution:cancel' },
      schema: {
        tags,
        summary: 'Cancel an execution; one that has ended stays as it is',
        params: byId,
        body: Nullable(Type.Object({ reason: Maybe(Type.String({ maxLength: 2000 })) })),
        response: { 200: Done, ...runtimeFailures(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const id = requireUuid(request.params.id, INVALID_EXECUTION)
      const { status } = await executions.cancel(runtimeCallerOf(request), id, request.body?.reason ?? null)
      return { status, success: true, id, execution_id: id }
    },
  )

  app.delete(
    '/v1/executions/:id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'execution:remove' },
      schema: {
        tags,
        summary: 'Delete an execution that has ended, with its files',
        params: byId,
        response: { 200: Done, ...runtimeFailures(400, 401, 403, 404, 409) },
      },
    },
    async (request) => {
      const id = requireUuid(request.params.id, INVALID_EXECUTION)
      await executions.delete(runtimeCallerOf(request), id)
      return { status: 'deleted', success: true, id, execution_id: id }
    },
  )

  app.get(
    '/v1/executions/:id/files/*',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'execution:read' },
      schema: {
        tags,
        summary: 'A file of the workspace',
        params: Type.Object({ id: Type.String(), '*': Type.String() }),
        produces: ['*/*'],
        response: {
          200: Type.Any({ description: 'The bytes of the file.' }),
          206: Type.Any({ description: 'The bytes that were asked for.' }),
          ...runtimeFailures(400, 401, 403, 404, 416, 422),
        },
      },
    },
    async (request, reply) => {
      const path = request.params['*']
      if (path === '') throw new BadRequest('The path of the file is missing.')
      const id = requireUuid(request.params.id, INVALID_EXECUTION)
      const file = await executions.readFile(runtimeCallerOf(request), id, path)
      return sendFile(request, reply, { ...file, etag: null })
    },
  )

  const stream = async (
    request: FastifyRequest<{ Params: { id: string }; Querystring: { follow?: string; token?: string } }>,
    reply: FastifyReply,
  ) => {
    const id = requireUuid(request.params.id, INVALID_EXECUTION)
    const execution = await executions.get(runtimeCallerOf(request), id)
    const follow = flagOf('follow', request.query.follow, true)
    await streams.subject(request, reply, { kind: 'execution', id: execution.id }, { follow, isLast: isTerminal })
  }
  for (const name of ['stream', 'events'])
    app.get(
      `/v1/executions/:id/${name}`,
      {
        config: { access: 'bearer', scope: 'tenant', requires: 'execution:stream' },
        schema: {
          tags,
          summary: `Events of an execution as a stream (${name}); ends after the last`,
          params: byId,
          querystring: Type.Object({
            follow: Type.Optional(Type.String()),
            verbose: Type.Optional(Type.String()),
            token: Type.Optional(Type.String()),
          }),
          produces: ['text/event-stream'],
          response: { 200: Stream, ...runtimeFailures(400, 401, 403, 404) },
        },
      },
      stream,
    )

  for (const name of ['events', 'logs'])
    app.get(
      `/v1/agents/:id/${name}`,
      {
        config: { access: 'bearer', scope: 'tenant', requires: 'agent:logs' },
        schema: {
          tags,
          summary: `Events of all executions of an agent as a stream (${name})`,
          params: byId,
          querystring: Type.Object({
            follow: Type.Optional(Type.String({ description: '`false` ends after what there is.' })),
            verbose: Type.Optional(
              Type.String({
                description:
                  '`true` adds, for operators, what happens from now on in the tenant and belongs to no agent, as /v1/observability/events tells it.',
              }),
            ),
          }),
          produces: ['text/event-stream'],
          response: { 200: Stream, ...runtimeFailures(400, 401, 403, 404) },
        },
      },
      async (request, reply) => {
        const caller = runtimeCallerOf(request)
        const agent = await agents.get(caller, requireUuid(request.params.id, INVALID_AGENT))
        const isVerbose = flagOf('verbose', request.query.verbose, false)
        // What belongs to no agent names secrets, credentials and sessions.
        if (isVerbose) requireOperator(request)
        await streams.agent(
          request,
          reply,
          {
            scope: scopeOf(caller),
            agentId: agent.id,
            start: () => executions.historyStart(caller, agent.id),
          },
          { follow: flagOf('follow', request.query.follow, true), isVerbose },
        )
      },
    )
}
