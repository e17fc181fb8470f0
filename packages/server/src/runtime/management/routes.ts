import Type from 'typebox'
import { Forbidden, NotFound } from '../../errors.ts'
import { runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { Json, JsonObject, ListOf, listed, pageOf, runtimeCallerOf } from '../http.ts'
import type { McpServerState } from '../mcp/server.ts'
import type { Catalogue } from '../tools/catalogue.ts'
import type { Tool } from '../tools/tool.ts'
import { isOperator, type RuntimeCaller } from '../visibility.ts'
import { listedTool } from './discovery-tools.ts'

const tags = ['tools']
const MOST = 1000

const ListedTool = Type.Object({
  name: Type.String({ description: 'By which it is called, and named in manifests.' }),
  description: Type.String(),
  inputSchema: Type.Record(Type.String(), Json, { description: 'JSON Schema of its arguments.' }),
  input_schema: JsonObject,
  source: Type.String({ description: '`builtin`, `mcp_server` or `seal_gateway`.' }),
  category: Type.String(),
  tags: Type.Array(Type.String()),
  server: Type.Optional(Type.String({ description: 'The MCP server that has it.' })),
  skip_judge: Type.Boolean({ description: 'Judges of `spec.execution.tool_validation` do not look at its calls.' }),
  fleet_capable: Type.Boolean({ description: 'Whether it runs on many edge nodes at once.' }),
})

const Server = Type.Object({
  name: Type.String(),
  status: Type.String({ description: '`stopped`, `starting`, `running`, `unhealthy` or `failed`.' }),
  era: Type.Union([Type.String(), Type.Null()], {
    description: '`legacy`: the protocol with sessions, `modern`: the one without. Null while there is no connection.',
  }),
  error: Type.Union([Type.String(), Type.Null()], { description: 'Why it is not running.' }),
  failures: Type.Integer({ description: 'Failures in a row.' }),
  started_at: Type.Union([Type.String(), Type.Null()]),
  last_healthy_at: Type.Union([Type.String(), Type.Null()]),
  tools: Type.Array(Type.String(), { description: 'As the server calls them.' }),
})

/** The tools of this server over HTTP. */
export function toolRoutes(
  app: App,
  deps: { catalogue: Pick<Catalogue, 'find' | 'list'>; mcpServers: () => readonly McpServerState[] },
): void {
  const { catalogue, mcpServers } = deps
  const isFor = (caller: RuntimeCaller, tool: Tool) => !tool.isForOperators || isOperator(caller)

  app.get(
    '/v1/tools',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'agent:list' },
      schema: {
        tags,
        summary: 'List the tools that agents can be given',
        description: 'What a session or an execution can call of them is a matter of its security context.',
        querystring: Type.Object({
          limit: Type.Optional(Type.String()),
          offset: Type.Optional(Type.String()),
          source: Type.Optional(Type.String()),
          category: Type.Optional(Type.String()),
        }),
        response: { 200: ListOf('tools', ListedTool), ...runtimeFailures(400, 401, 403) },
      },
    },
    async (request) => {
      const caller = runtimeCallerOf(request)
      const { source, category } = request.query
      const { limit, offset } = pageOf(request.query, { fallback: MOST, max: MOST })
      const found = catalogue
        .list()
        .filter((tool) => isFor(caller, tool))
        .filter((tool) => source === undefined || tool.source === source)
        .filter((tool) => category === undefined || tool.category === category)
      return listed('tools', found.slice(offset, offset + limit).map(shown))
    },
  )

  app.get(
    '/v1/tools/servers',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'node:read' },
      schema: {
        tags,
        summary: 'The MCP servers of this node, and how they are',
        response: { 200: ListOf('servers', Server), ...runtimeFailures(401, 403) },
      },
    },
    async (request) => {
      if (!isOperator(runtimeCallerOf(request)))
        throw new Forbidden('Operators alone are told of the servers of this node.')
      return listed('servers', mcpServers().map(shownServer))
    },
  )

  app.get(
    '/v1/tools/:name',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'agent:list' },
      schema: {
        tags,
        summary: 'One tool, by its name or an alias of it',
        params: Type.Object({ name: Type.String() }),
        response: { 200: ListedTool, ...runtimeFailures(401, 403, 404) },
      },
    },
    async (request) => {
      const tool = catalogue.find(request.params.name)
      if (!tool || !isFor(runtimeCallerOf(request), tool))
        throw new NotFound(`There is no tool '${request.params.name}'.`)
      return shown(tool)
    },
  )
}

const shown = (tool: Tool) => {
  const one = listedTool(tool)
  return { ...one, tags: [...one.tags], inputSchema: { ...one.inputSchema }, input_schema: { ...one.input_schema } }
}

const at = (milliseconds: number | null): string | null =>
  milliseconds === null ? null : new Date(milliseconds).toISOString()

const shownServer = (state: McpServerState) => ({
  name: state.name,
  status: state.status,
  era: state.era,
  error: state.error,
  failures: state.failures,
  started_at: at(state.startedAt),
  last_healthy_at: at(state.lastHealthyAt),
  tools: [...state.tools],
})
