import Type from 'typebox'
import { BadRequest } from '../../errors.ts'
import { callerOf } from '../../http/caller.ts'
import { Instant, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime } from '../../storage/instants.ts'
import type { AgentRow } from '../../storage/schema.ts'
import { flagOf, JsonObject, ListOf, listed, pageOf, requireUuid } from '../http.ts'
import type { AgentScope, Agents, RuntimeCaller } from './agents.ts'

const tags = ['agents']
const MAX_LIST = 1000

const agentFields = {
  id: Type.String(),
  agent_id: Type.String(),
  name: Type.String(),
  version: Type.String(),
  description: Type.String(),
  scope: Type.String(),
  status: Type.String(),
  agent_type: Type.Union([Type.String(), Type.Null()]),
  capability_tags: Type.Array(Type.String()),
  execution_count: Type.Integer(),
  labels: Type.Record(Type.String(), Type.String()),
  tenant_id: Type.String(),
  created_at: Instant,
  updated_at: Instant,
  input_schema: Type.Optional(JsonObject),
}
const Agent = Type.Object(agentFields)
const detailFields = {
  ...agentFields,
  annotations: Type.Record(Type.String(), Type.String()),
  manifest: JsonObject,
  manifest_yaml: Type.String(),
}
const AgentDetail = Type.Object(detailFields)
const ChangedAgent = Type.Object({
  ...detailFields,
  success: Type.Boolean(),
  new_scope: Type.Optional(Type.String()),
})
const AgentVersion = Type.Object({
  id: Type.String(),
  agent_id: Type.String(),
  version: Type.String(),
  deployed_at: Instant,
  created_at: Instant,
  manifest_yaml: Type.String(),
})
const byId = Type.Object({ id: Type.String() })
const NOT_FOUND = 'Agent not found'

interface Manifest {
  readonly metadata: {
    readonly description?: string
    readonly labels?: Record<string, string>
    readonly annotations?: Record<string, string>
    readonly tags?: string[]
  }
  readonly spec: { readonly input_schema?: Record<string, unknown> }
}

function shown(row: AgentRow, executions: number) {
  const { metadata, spec } = JSON.parse(row.manifest) as Manifest
  return {
    id: row.id,
    agent_id: row.id,
    name: row.name,
    version: row.version,
    description: metadata.description ?? '',
    scope: row.scope,
    status: row.status,
    agent_type: metadata.labels?.type ?? null,
    capability_tags: metadata.tags ?? [],
    execution_count: executions,
    labels: metadata.labels ?? {},
    tenant_id: row.tenant_id,
    created_at: toWireTime(row.created_at),
    updated_at: toWireTime(row.updated_at),
    ...(spec.input_schema ? { input_schema: spec.input_schema } : {}),
  }
}

function detailed(row: AgentRow, executions: number) {
  const manifest = JSON.parse(row.manifest) as Manifest & Record<string, unknown>
  return {
    ...shown(row, executions),
    annotations: manifest.metadata.annotations ?? {},
    manifest,
    manifest_yaml: row.manifest_yaml,
  }
}

export const runtimeCallerOf = (request: Parameters<typeof callerOf>[0]): RuntimeCaller => {
  const caller = callerOf(request)
  if (caller.kind === 'token' || caller.kind === 'user') return caller
  throw new BadRequest('This route takes an access token or a console session.')
}

/** Agents over HTTP (aegis-api §4.1, §5.1). */
export function agentRoutes(app: App, agents: Agents): void {
  const withCount = async (row: AgentRow) => detailed(row, (await agents.executionCounts([row])).get(row.id) ?? 0)

  app.post(
    '/v1/agents',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'agent:deploy', rawBody: true },
      schema: {
        tags,
        summary: 'Deploy an agent from a manifest',
        description: 'The body is the manifest as YAML or JSON, in full or in the flat shorthand.',
        consumes: ['text/yaml', 'application/yaml', 'application/json', 'text/plain'],
        querystring: Type.Object({ force: Type.Optional(Type.String()), scope: Type.Optional(Type.String()) }),
        response: {
          200: Type.Object({
            id: Type.String(),
            agent_id: Type.String(),
            name: Type.String(),
            version: Type.String(),
            scope: Type.String(),
            status: Type.String(),
            deployed_at: Instant,
            warnings: Type.Array(Type.String()),
          }),
          ...runtimeFailures(400, 401, 403, 409, 422),
        },
      },
    },
    async (request) => {
      const text = typeof request.body === 'string' ? request.body : ''
      if (text.trim() === '') throw new BadRequest('The body is empty; it takes an agent manifest as YAML or JSON.')
      const { row, deployedAt, warnings } = await agents.deploy(runtimeCallerOf(request), text, {
        force: flagOf('force', request.query.force, false),
        scope: scopeOf(request.query.scope),
      })
      return {
        id: row.id,
        agent_id: row.id,
        name: row.name,
        version: row.version,
        scope: row.scope,
        status: 'deployed',
        deployed_at: toWireTime(deployedAt),
        warnings: [...warnings],
      }
    },
  )

  app.get(
    '/v1/agents',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'agent:list' },
      schema: {
        tags,
        summary: 'List agents',
        querystring: Type.Object({
          scope: Type.Optional(Type.String()),
          limit: Type.Optional(Type.String()),
          agent_type: Type.Optional(Type.String()),
          visible: Type.Optional(Type.String()),
        }),
        response: { 200: ListOf('agents', Agent), ...runtimeFailures(400, 401, 403) },
      },
    },
    async (request) => {
      const { scope, limit, agent_type } = request.query
      const rows = await agents.list(runtimeCallerOf(request), {
        scope: scope ?? null,
        limit: limit === undefined ? null : pageOf({ limit }, { fallback: MAX_LIST, max: MAX_LIST }).limit,
      })
      const counts = await agents.executionCounts(rows)
      const items = rows
        .map((row) => shown(row, counts.get(row.id) ?? 0))
        .filter((agent) => agent_type === undefined || agent.agent_type === agent_type)
      return listed('agents', items)
    },
  )

  app.get(
    '/v1/agents/lookup/:name',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'agent:read' },
      schema: {
        tags,
        summary: 'Find an agent by name',
        params: Type.Object({ name: Type.String() }),
        response: { 200: AgentDetail, ...runtimeFailures(401, 403, 404) },
      },
    },
    async (request) => withCount(await agents.lookup(runtimeCallerOf(request), request.params.name)),
  )

  app.get(
    '/v1/agents/:id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'agent:read' },
      schema: {
        tags,
        summary: 'One agent',
        params: byId,
        response: { 200: AgentDetail, ...runtimeFailures(400, 401, 403, 404) },
      },
    },
    async (request) =>
      withCount(await agents.get(runtimeCallerOf(request), requireUuid(request.params.id, 'Invalid agent ID'))),
  )

  app.patch(
    '/v1/agents/:id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'agent:deploy' },
      schema: {
        tags,
        summary: 'Change an agent: a whole manifest, or a JSON merge patch',
        params: byId,
        body: JsonObject,
        response: { 200: ChangedAgent, ...runtimeFailures(400, 401, 403, 404, 409, 422) },
      },
    },
    async (request) => {
      const id = requireUuid(request.params.id, 'Invalid agent ID')
      const row = await agents.update(runtimeCallerOf(request), id, request.body)
      return { ...(await withCount(row)), success: true }
    },
  )

  app.delete(
    '/v1/agents/:id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'agent:delete' },
      schema: {
        tags,
        summary: 'Remove an agent; its executions stay readable',
        params: byId,
        response: {
          200: Type.Object({
            status: Type.String(),
            success: Type.Boolean(),
            id: Type.String(),
            agent_id: Type.String(),
          }),
          ...runtimeFailures(400, 401, 403, 404),
        },
      },
    },
    async (request) => {
      const id = requireUuid(request.params.id, 'Invalid agent ID')
      await agents.delete(runtimeCallerOf(request), id)
      return { status: 'deleted', success: true, id, agent_id: id }
    },
  )

  app.get(
    '/v1/agents/:id/versions',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'agent:read' },
      schema: {
        tags,
        summary: 'Versions of an agent, newest first',
        params: byId,
        querystring: Type.Object({ limit: Type.Optional(Type.String()) }),
        response: { 200: ListOf('versions', AgentVersion), ...runtimeFailures(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const { limit } = request.query
      const rows = await agents.versions(
        runtimeCallerOf(request),
        requireUuid(request.params.id, NOT_FOUND),
        limit === undefined ? null : pageOf({ limit }, { fallback: MAX_LIST, max: MAX_LIST }).limit,
      )
      return listed(
        'versions',
        rows.map((row) => ({
          id: row.id,
          agent_id: row.agent_id,
          version: row.version,
          deployed_at: toWireTime(row.created_at),
          created_at: toWireTime(row.created_at),
          manifest_yaml: row.manifest_yaml,
        })),
      )
    },
  )

  for (const method of ['PATCH', 'POST'] as const)
    app.route({
      method,
      url: '/v1/agents/:id/scope',
      config: { access: 'bearer', scope: 'tenant', requires: 'agent:deploy' },
      schema: {
        tags,
        summary: 'Move an agent between its tenant and every tenant',
        params: byId,
        body: Type.Object({ scope: Type.Optional(Type.String()), target_scope: Type.Optional(Type.String()) }),
        response: { 200: ChangedAgent, ...runtimeFailures(400, 401, 403, 404, 409) },
      },
      handler: async (request) => {
        const { id } = request.params as { id: string }
        const body = request.body as { scope?: string; target_scope?: string }
        const row = await agents.setScope(
          runtimeCallerOf(request),
          requireUuid(id, 'Invalid agent ID'),
          body.target_scope ?? body.scope,
        )
        return { ...(await withCount(row)), success: true, new_scope: row.scope }
      },
    })
}

function scopeOf(text: string | undefined): AgentScope {
  if (text === undefined || text === '' || text === 'tenant' || text === 'user') return 'tenant'
  if (text === 'global') return 'global'
  throw new BadRequest(`invalid scope: '${text}'. Valid values: global, tenant`, 'invalid_scope')
}
