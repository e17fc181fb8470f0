import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import { BadRequest } from '../../errors.ts'
import { Instant, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime } from '../../storage/instants.ts'
import { flagOf, JsonObject, ListOf, listed, pageOf, runtimeCallerOf } from '../http.ts'
import { prefersText } from './prefers-text.ts'
import type { Workflow as RegisteredWorkflow } from './workflow.ts'
import type { Workflows } from './workflows.ts'

const tags = ['workflows']
const MAX_LIST = 1000

const workflowFields = {
  id: Type.String(),
  workflow_id: Type.String(),
  name: Type.String(),
  version: Type.String(),
  description: Type.Union([Type.String(), Type.Null()]),
  scope: Type.String(),
  status: Type.String(),
  labels: Type.Record(Type.String(), Type.String()),
  execution_count: Type.Integer(),
  created_at: Instant,
  updated_at: Instant,
  tenant_id: Type.String(),
  input_schema: Type.Union([JsonObject, Type.Null()]),
}
const Workflow = Type.Object(workflowFields)
const detailFields = { ...workflowFields, definition: JsonObject, manifest_yaml: Type.String() }
const WorkflowDetail = Type.Object(detailFields)
const MovedWorkflow = Type.Object({
  ...detailFields,
  previous_scope: Type.String(),
  new_scope: Type.String(),
  success: Type.Boolean(),
})
const WorkflowVersion = Type.Object({
  id: Type.String(),
  workflow_id: Type.String(),
  name: Type.String(),
  version: Type.String(),
  registered_at: Instant,
  created_at: Instant,
  description: Type.Union([Type.String(), Type.Null()]),
  scope: Type.String(),
  tenant_id: Type.String(),
})
const RegisteredAnswer = Type.Object({
  id: Type.String(),
  workflow_id: Type.String(),
  name: Type.String(),
  version: Type.String(),
  status: Type.String(),
  scope: Type.String(),
  registered_at: Instant,
  warnings: Type.Array(Type.String()),
})
const Problem = Type.Object(
  {
    loc: Type.Array(Type.Union([Type.String(), Type.Integer()])),
    msg: Type.String(),
    path: Type.Optional(Type.String()),
    line: Type.Optional(Type.Integer()),
    column: Type.Optional(Type.Integer()),
  },
  { description: 'One problem, with its place in the manifest.' },
)
const byName = Type.Object({ name: Type.String() })
const consumes = ['text/yaml', 'application/yaml', 'application/json', 'text/plain']

/** Runs of each of these workflows that the caller's tenant has. */
export type CountRuns = (
  caller: ReturnType<typeof runtimeCallerOf>,
  workflowIds: readonly string[],
) => Promise<ReadonlyMap<string, number>>

function shown(workflow: RegisteredWorkflow, runs: ReadonlyMap<string, number>) {
  const { metadata } = workflow.manifest
  return {
    id: workflow.id,
    workflow_id: workflow.id,
    name: workflow.name,
    version: workflow.version,
    description: metadata.description ?? null,
    scope: workflow.scope,
    status: 'active',
    labels: metadata.labels ?? {},
    execution_count: runs.get(workflow.id) ?? 0,
    created_at: toWireTime(workflow.createdAt),
    updated_at: toWireTime(workflow.updatedAt),
    tenant_id: workflow.tenantId,
    input_schema: metadata.input_schema ?? null,
  }
}

const detailed = (workflow: RegisteredWorkflow, runs: ReadonlyMap<string, number>) => ({
  ...shown(workflow, runs),
  definition: workflow.manifest.spec as unknown as Record<string, unknown>,
  manifest_yaml: workflow.manifestYaml,
})

const sendYaml = (reply: FastifyReply, { manifestYaml }: RegisteredWorkflow): FastifyReply =>
  reply
    .type('text/plain; charset=utf-8')
    .serializer((text: string) => text)
    .send(manifestYaml)

/** Workflows over HTTP. */
export function workflowRoutes(app: App, workflows: Workflows, countRuns: CountRuns): void {
  for (const [url, summary] of [
    ['/v1/workflows', 'Register a workflow from a manifest'],
    ['/v1/workflows/temporal/register', 'Register a workflow, by its older address'],
  ] as const)
    app.post(
      url,
      {
        config: { access: 'bearer', scope: 'tenant', requires: 'workflow:deploy', rawBody: true },
        schema: {
          tags,
          summary,
          description:
            'The body is the manifest as YAML or JSON, or `{"name", "definition"}` with a manifest, its `spec`, or YAML of either.',
          consumes,
          querystring: Type.Object({ force: Type.Optional(Type.String()), scope: Type.Optional(Type.String()) }),
          response: { 200: RegisteredAnswer, ...runtimeFailures(400, 401, 403, 409) },
        },
      },
      async (request) => {
        const { workflow, warnings } = await workflows.register(runtimeCallerOf(request), bodyOf(request.body), {
          force: flagOf('force', request.query.force, false),
          scope: request.query.scope,
        })
        return {
          id: workflow.id,
          workflow_id: workflow.id,
          name: workflow.name,
          version: workflow.version,
          status: 'registered',
          scope: workflow.scope,
          registered_at: toWireTime(workflow.updatedAt),
          warnings: [...warnings],
        }
      },
    )

  app.post(
    '/v1/workflows/validate',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:validate', rawBody: true },
      schema: {
        tags,
        summary: 'Check a workflow without registering it',
        description: 'Takes what registering takes. A version that is registered already is no fault here.',
        consumes,
        response: {
          200: Type.Object({
            valid: Type.Boolean(),
            name: Type.Union([Type.String(), Type.Null()]),
            version: Type.Union([Type.String(), Type.Null()]),
            error: Type.Union([Type.String(), Type.Null()]),
            problems: Type.Array(Problem),
            warnings: Type.Array(Problem),
          }),
          ...runtimeFailures(400, 401, 403),
        },
      },
    },
    async (request) => {
      const { name, version, reason, problems, warnings } = await workflows.validate(
        runtimeCallerOf(request),
        bodyOf(request.body),
      )
      const listedAs = (list: typeof problems) => list.map((problem) => ({ ...problem, loc: [...problem.loc] }))
      return {
        valid: reason === null,
        name,
        version,
        error: reason,
        problems: listedAs(problems),
        warnings: listedAs(warnings),
      }
    },
  )

  app.get(
    '/v1/workflows',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:list' },
      schema: {
        tags,
        summary: 'Workflows of the tenant, or of every tenant',
        querystring: Type.Object({
          scope: Type.Optional(Type.String()),
          limit: Type.Optional(Type.String()),
          visible: Type.Optional(Type.String()),
        }),
        response: { 200: ListOf('workflows', Workflow), ...runtimeFailures(400, 401, 403) },
      },
    },
    async (request) => {
      const { scope, limit, visible } = request.query
      const isVisible = flagOf('visible', visible, false)
      if (scope && scope !== 'global' && scope !== 'tenant')
        throw new BadRequest(`invalid scope: '${scope}'. Valid values: global, tenant`, 'invalid_scope')
      const found = await workflows.list(runtimeCallerOf(request), {
        of: scope === 'global' ? 'global' : scope === 'tenant' || !isVisible ? 'tenant' : 'visible',
        limit: limit ? pageOf({ limit }, { fallback: MAX_LIST, max: MAX_LIST }).limit : null,
      })
      const runs = await countRuns(
        runtimeCallerOf(request),
        found.map(({ id }) => id),
      )
      return listed(
        'workflows',
        found.map((one) => shown(one, runs)),
      )
    },
  )

  app.get(
    '/v1/workflows/:name',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:read' },
      schema: {
        tags,
        summary: 'One workflow, by its name or id',
        description: 'Who accepts text and no JSON gets the manifest as YAML.',
        params: byName,
        response: { 200: WorkflowDetail, ...runtimeFailures(401, 403, 404) },
      },
    },
    async (request, reply) => {
      const workflow = await workflows.get(runtimeCallerOf(request), request.params.name)
      reply.header('vary', 'accept')
      if (prefersText(request.headers.accept)) return sendYaml(reply, workflow) as never
      return detailed(workflow, await countRuns(runtimeCallerOf(request), [workflow.id]))
    },
  )

  app.get(
    '/v1/workflows/:name/yaml',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:read' },
      schema: {
        tags,
        summary: 'The manifest of a workflow as YAML',
        params: byName,
        produces: ['text/plain'],
        response: { 200: Type.Unsafe<string>({ description: 'The manifest.' }), ...runtimeFailures(401, 403, 404) },
      },
    },
    async (request, reply) =>
      sendYaml(reply, await workflows.get(runtimeCallerOf(request), request.params.name)) as never,
  )

  app.delete(
    '/v1/workflows/:name',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:delete' },
      schema: {
        tags,
        summary: 'Remove a workflow and its versions',
        params: byName,
        response: {
          200: Type.Object({
            status: Type.String(),
            success: Type.Boolean(),
            name: Type.String(),
            id: Type.String(),
            workflow_id: Type.String(),
          }),
          ...runtimeFailures(401, 403, 404),
        },
      },
    },
    async (request) => {
      const { id, name } = await workflows.delete(runtimeCallerOf(request), request.params.name)
      return { status: 'deleted', success: true, name, id, workflow_id: id }
    },
  )

  app.get(
    '/v1/workflows/:name/versions',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:list' },
      schema: {
        tags,
        summary: 'Versions of a workflow, newest first',
        description: 'None for a workflow that there is not.',
        params: byName,
        querystring: Type.Object({ limit: Type.Optional(Type.String()) }),
        response: { 200: ListOf('versions', WorkflowVersion), ...runtimeFailures(400, 401, 403) },
      },
    },
    async (request) => {
      const { limit } = request.query
      const { workflow, versions } = await workflows.versions(
        runtimeCallerOf(request),
        request.params.name,
        limit === undefined ? null : pageOf({ limit }, { fallback: MAX_LIST, max: MAX_LIST }).limit,
      )
      return listed(
        'versions',
        versions.map((version) => ({
          id: version.id,
          workflow_id: version.workflowId,
          name: version.manifest.metadata.name,
          version: version.version,
          registered_at: toWireTime(version.registeredAt),
          created_at: toWireTime(version.registeredAt),
          description: version.manifest.metadata.description ?? null,
          scope: workflow?.scope ?? 'tenant',
          tenant_id: workflow?.tenantId ?? '',
        })),
      )
    },
  )

  for (const method of ['PATCH', 'POST'] as const)
    app.route({
      method,
      url: '/v1/workflows/:name/scope',
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:deploy' },
      schema: {
        tags,
        summary: 'Move a workflow between its tenant and every tenant',
        params: byName,
        body: Nullable(
          Type.Object({ scope: Type.Optional(Type.String()), target_scope: Type.Optional(Type.String()) }),
        ),
        response: { 200: MovedWorkflow, ...runtimeFailures(400, 401, 403, 404, 409) },
      },
      handler: async (request) => {
        const { name } = request.params as { name: string }
        const body = request.body as { scope?: string; target_scope?: string } | null
        const target = body?.target_scope ?? body?.scope
        const { before, workflow } = await workflows.setScope(runtimeCallerOf(request), name, target)
        const runs = await countRuns(runtimeCallerOf(request), [workflow.id])
        return { ...detailed(workflow, runs), previous_scope: before.scope, new_scope: workflow.scope, success: true }
      },
    })
}

/** @throws BadRequest for none */
function bodyOf(body: unknown): string {
  const text = typeof body === 'string' ? body : ''
  if (text.trim() === '') throw new BadRequest('The body is empty; it takes a workflow manifest as YAML or JSON.')
  return text
}
