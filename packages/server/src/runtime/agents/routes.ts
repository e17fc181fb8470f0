import Type from 'typebox'
import { BadRequest } from '../../errors.ts'
import { Instant, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime } from '../../storage/instants.ts'
import { flagOf, JsonObject, ListOf, listed, pageOf, requireUuid, runtimeCallerOf } from '../http.ts'
import { type RuntimeCaller, readScope } from '../visibility.ts'
import { type Agent as DeployedAgent, typeOf } from './agent.ts'
import type { Agents } from './agents.ts'

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
  warnings: Type.Optional(Type.Array(Type.String())),
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

function shown(agent: DeployedAgent, executions: number) {
  const { metadata, spec } = agent.manifest
  return {
    id: agent.id,
    agent_id: agent.id,
    name: agent.name,
    version: agent.version,
    description: metadata.description ?? '',
    scope: agent.scope,
    status: agent.status,
    agent_type: typeOf(agent),
    capability_tags: metadata.tags ?? [],
    execution_count: executions,
    labels: metadata.labels ?? {},
    tenant_id: agent.tenantId,
    created_at: toWireTime(agent.createdAt),
    updated_at: toWireTime(agent.updatedAt),
    ...(spec.input_schema ? { input_schema: spec.input_schema } : {}),
  }
}

function detailed(agent: DeployedAgent, executions: number) {
  const { manifest } = agent
  return {
    ...shown(agent, executions),
    annotations: manifest.metadata.annotations ?? {},
    manifest,
    manifest_yaml: agent.manifestYaml,
  }
}

/** Agents over HTTP. */
export function agentRoutes(app: App, agents: Agents): void {
  const withCount = async (caller: RuntimeCaller, agent: DeployedAgent) =>
    detailed(agent, (await agents.executionCounts(caller, [agent])).get(agent.id) ?? 0)

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
      const { agent, deployedAt, warnings } = await agents.deploy(runtimeCallerOf(request), text, {
        force: flagOf('force', request.query.force, false),
        scope: readScope(request.query.scope),
      })
      return {
        id: agent.id,
        agent_id: agent.id,
        name: agent.name,
        version: agent.version,
        scope: agent.scope,
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
      const { scope, limit, agent_type, visible } = request.query
      const caller = runtimeCallerOf(request)
      const found = await agents.list(caller, {
        scope: scope ? readScope(scope) : null,
        type: agent_type || null,
        includesGlobal: flagOf('visible', visible, true),
        limit: limit ? pageOf({ limit }, { fallback: MAX_LIST, max: MAX_LIST }).limit : null,
      })
      const counts = await agents.executionCounts(caller, found)
      return listed(
        'agents',
        found.map((agent) => shown(agent, counts.get(agent.id) ?? 0)),
      )
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
    async (request) => {
      const caller = runtimeCallerOf(request)
      return withCount(caller, await agents.lookup(caller, request.params.name))
    },
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
    async (request) => {
      const caller = runtimeCallerOf(request)
      return withCount(caller, await agents.get(caller, requireUuid(request.params.id, 'Invalid agent ID')))
    },
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
      const caller = runtimeCallerOf(request)
      const { agent, warnings } = await agents.update(caller, id, request.body)
      return { ...(await withCount(caller, agent)), success: true, warnings: [...warnings] }
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
      const versions = await agents.versions(
        runtimeCallerOf(request),
        requireUuid(request.params.id, 'Invalid agent ID'),
        limit === undefined ? null : pageOf({ limit }, { fallback: MAX_LIST, max: MAX_LIST }).limit,
      )
      return listed(
        'versions',
        versions.map((version) => ({
          id: version.id,
          agent_id: version.agentId,
          version: version.version,
          deployed_at: toWireTime(version.deployedAt),
          created_at: toWireTime(version.deployedAt),
          manifest_yaml: version.manifestYaml,
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
        const caller = runtimeCallerOf(request)
        const agent = await agents.setScope(
          caller,
          requireUuid(id, 'Invalid agent ID'),
          body.target_scope ?? body.scope,
        )
        return { ...(await withCount(caller, agent)), success: true, new_scope: agent.scope }
      },
    })
}
