import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { BadRequest, NotFound } from '../../errors.ts'
import { Instant, Maybe, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import type { Agents } from '../agents/agents.ts'
import { runtimeCallerOf } from '../agents/routes.ts'
import { flagOf, Json, ListOf, listed, pageOf, requireUuid } from '../http.ts'
import { contentTypeOf } from './content-type.ts'
import type { Executions } from './executions.ts'
import type { Execution } from './store.ts'
import type { ExecutionStreams } from './streams.ts'

const tags = ['executions']
const DEFAULT_PAGE = 20
const MAX_PAGE = 1000
const INVALID_EXECUTION = 'Invalid execution ID'
const INVALID_AGENT = 'Invalid agent ID'

const summaryFields = {
  id: Type.String(),
  execution_id: Type.String(),
  agent_id: Type.String(),
  agent_name: Type.String(),
  workflow_name: Type.Null(),
  status: Type.String({ description: 'pending, running, completed, failed or cancelled' }),
  started_at: Instant,
  ended_at: Nullable(Instant),
  created_at: Instant,
  updated_at: Instant,
  summary: Nullable(Type.String()),
  tenant_id: Type.String(),
  total_iterations: Type.Integer(),
}
const ExecutionSummary = Type.Object(summaryFields)
const ExecutionDetail = Type.Object({
  ...summaryFields,
  input: Json,
  intent: Nullable(Type.String()),
  output: Json,
  error: Nullable(Type.String()),
})
const StartBody = {
  input: Type.Optional(Json),
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

const shown = (row: Execution) => ({
  id: row.id,
  execution_id: row.id,
  agent_id: row.agent_id,
  agent_name: row.agent_name,
  workflow_name: null,
  status: row.status,
  started_at: toWireTime(row.started_at),
  ended_at: toWireTimeOrNull(row.ended_at),
  created_at: toWireTime(row.started_at),
  updated_at: toWireTime(row.updated_at),
  summary: row.error,
  tenant_id: row.tenant_id,
  total_iterations: row.total_iterations,
})
const detailed = (row: Execution) => ({
  ...shown(row),
  input: JSON.parse(row.input) as unknown,
  intent: row.intent,
  output: row.output,
  error: row.error,
})
const started = (row: Execution) => ({
  execution_id: row.id,
  id: row.id,
  agent_id: row.agent_id,
  status: row.status,
  output: null,
})

/** Executions over HTTP (aegis-api §4.4, §5.4, §6). */
export function executionRoutes(
  app: App,
  deps: { executions: Executions; agents: Agents; streams: ExecutionStreams },
): void {
  const { executions, agents, streams } = deps

  app.post(
    '/v1/executions',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'agent:execute' },
      schema: {
        tags,
        summary: 'Start an execution',
        body: Type.Object({ agent_id: Type.String(), ...StartBody }),
        response: { 200: Started, ...runtimeFailures(400, 401, 403, 404, 409, 422) },
      },
    },
    async (request) => {
      const { agent_id, ...rest } = request.body
      return started(await executions.start(runtimeCallerOf(request), requireUuid(agent_id, INVALID_AGENT), rest))
    },
  )

  app.post(
    '/v1/agents/:id/execute',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'agent:execute' },
      schema: {
        tags,
        summary: 'Start an execution of this agent',
        params: byId,
        querystring: Type.Object({ version: Type.Optional(Type.String()) }),
        body: Type.Object(StartBody),
        response: { 200: Started, ...runtimeFailures(400, 401, 403, 404, 409, 422) },
      },
    },
    async (request) => {
      const id = requireUuid(request.params.id, INVALID_AGENT)
      return started(await executions.start(runtimeCallerOf(request), id, request.body, request.query.version))
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
        response: { 200: ListOf('executions', ExecutionSummary), ...runtimeFailures(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const { agent_id, workflow_name, status, ...page } = request.query
      if (workflow_name !== undefined) {
        const message = `Workflow '${workflow_name}' not found`
        throw new NotFound(message, message)
      }
      const rows = await executions.list(runtimeCallerOf(request), {
        agentId: agent_id === undefined ? null : requireUuid(agent_id, INVALID_AGENT),
        status: status?.toLowerCase() ?? null,
        ...pageOf(page, { fallback: DEFAULT_PAGE, max: MAX_PAGE }),
      })
      return listed('executions', rows.map(shown))
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
        response: { 200: ExecutionDetail, ...runtimeFailures(400, 401, 403, 404) },
      },
    },
    async (request) =>
      detailed(await executions.get(runtimeCallerOf(request), requireUuid(request.params.id, INVALID_EXECUTION))),
  )

  app.post(
    '/v1/executions/:id/cancel',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'execution:cancel' },
      schema: {
        tags,
        summary: 'Cancel an execution; one that has ended stays as it is',
        params: byId,
        body: Type.Object({ reason: Maybe(Type.String({ maxLength: 2000 })) }),
        response: { 200: Done, ...runtimeFailures(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const id = requireUuid(request.params.id, INVALID_EXECUTION)
      const row = await executions.cancel(runtimeCallerOf(request), id, request.body.reason ?? null)
      return { status: row.status, success: true, id, execution_id: id }
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
          ...runtimeFailures(400, 401, 403, 404, 422),
        },
      },
    },
    async (request, reply) => {
      const path = request.params['*']
      if (path === '') throw new BadRequest('The path of the file is missing.')
      const id = requireUuid(request.params.id, INVALID_EXECUTION)
      const { content, name } = await executions.readFile(runtimeCallerOf(request), id, path)
      // Stored HTML must not run in a browser.
      reply
        .header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(name)}`)
        .header('x-content-type-options', 'nosniff')
        .type(contentTypeOf(name))
        .serializer((payload: unknown) => payload as string)
      return reply.send(content)
    },
  )

  const stream = async (
    request: FastifyRequest<{ Params: { id: string }; Querystring: { follow?: string; token?: string } }>,
    reply: FastifyReply,
  ) => {
    const id = requireUuid(request.params.id, INVALID_EXECUTION)
    const execution = await executions.get(runtimeCallerOf(request), id)
    const follow = flagOf('follow', request.query.follow, true)
    await streams.execution(request, reply, execution.id, { follow })
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
          querystring: Type.Object({ follow: Type.Optional(Type.String()), verbose: Type.Optional(Type.String()) }),
          produces: ['text/event-stream'],
          response: { 200: Stream, ...runtimeFailures(400, 401, 403, 404) },
        },
      },
      async (request, reply) => {
        const caller = runtimeCallerOf(request)
        const agent = await agents.get(caller, requireUuid(request.params.id, INVALID_AGENT))
        await streams.agent(
          request,
          reply,
          { tenantId: caller.tenantId, agentId: agent.id },
          { follow: flagOf('follow', request.query.follow, true) },
        )
      },
    )
}
