import Type from 'typebox'
import { onceOf } from '../../changes/idempotency/idempotency.ts'
import { failures, Instant, Nullable, TenantId } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { userOf, userOrKeyOf } from '../../identity/caller.ts'
import { toWireTime } from '../../storage/instants.ts'
import { BundleName, Environment, EnvironmentName } from '../fields.ts'
import { GatesHash, GatesName, GatesVersion, WireGates, wireGates } from './delivered.ts'
import type { Gates } from './gates.ts'
import type { GateDeployment, GateDocumentInfo } from './store.ts'

const tags = { tags: ['gates'] }

const Document = {
  id: Type.String(),
  tenant_id: TenantId,
  name: GatesName,
  version: GatesVersion,
  revision_hash: GatesHash,
  stage_count: Type.Integer({ description: 'How many stages it has.' }),
  uploaded_by: Type.String({ description: 'E-mail address of who uploaded it.' }),
  created_at: Instant,
}

const Deployment = {
  id: Type.String(),
  env: EnvironmentName,
  bundle_name: BundleName,
  gates_name: Nullable(Type.String({ description: 'Name of the gates; null where they were taken back.' })),
  version: Nullable(Type.Integer({ description: 'Version of the gates; null where they were taken back.' })),
  deployed_by: Type.String({ description: 'E-mail address of who did it.' }),
  created_at: Instant,
}

const wireDocument = (document: GateDocumentInfo) => ({
  id: document.id,
  tenant_id: document.tenantId,
  name: document.name,
  version: document.version,
  revision_hash: document.revisionHash,
  stage_count: document.stageCount,
  uploaded_by: document.uploadedBy,
  created_at: toWireTime(document.createdAt),
})

const wireDeployment = (deployment: GateDeployment) => ({
  id: deployment.id,
  env: deployment.env,
  bundle_name: deployment.bundleName,
  gates_name: deployment.gates?.name ?? null,
  version: deployment.gates?.version ?? null,
  deployed_by: deployment.deployedBy,
  created_at: toWireTime(deployment.createdAt),
})

const Name = Type.String({ maxLength: 1024 })
const OfBundle = Type.Object({ name: Name })

/** Documents of kind Workflow, and the bundles whose agents go through them. */
export function gateRoutes(app: App, { gates }: { gates: Gates }): void {
  app.post(
    '/api/v1/gates',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Upload a version of gates',
        description:
          'A document of kind `Workflow`. It is loaded in full before it is kept, byte for byte; `exec` conditions are refused, because nobody runs their commands on a server. Repetitions with one `Idempotency-Key` make one version, for 24 hours.',
        body: Type.Object({
          yaml_content: Type.String({
            maxLength: 1_048_576,
            description: 'The document as YAML, at most 1 MiB; the language is described in docs/guide.md.',
          }),
        }),
        response: { 201: Type.Object(Document), ...failures(401, 403, 413, 422) },
      },
    },
    async (request, reply) => {
      const caller = userOf(request)
      const document = await gates.upload(caller, request.body.yaml_content, onceOf(request, caller))
      return reply.code(201).send(wireDocument(document))
    },
  )

  app.get(
    '/api/v1/gates',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'List gates',
        description: 'Every version, by name, the newest first.',
        response: { 200: Type.Array(Type.Object(Document)), ...failures(401) },
      },
    },
    async (request) => (await gates.list(userOf(request))).map(wireDocument),
  )

  app.get(
    '/api/v1/gates/:name/:version/yaml',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'The exact bytes of a version of gates',
        params: Type.Object({ name: Name, version: Type.Integer() }),
        produces: ['application/x-yaml'],
        response: { 200: Type.Unsafe<Buffer>({ description: 'The document.' }), ...failures(401, 404, 422) },
      },
    },
    async (request, reply) => {
      const { name, version } = request.params
      const { yamlBytes } = await gates.get(userOf(request), name, version)
      return reply.header('content-type', 'application/x-yaml').send(Buffer.from(yamlBytes))
    },
  )

  app.put(
    '/api/v1/bundles/:name/gates',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Put gates before the agents of a bundle',
        description:
          'From their next call on, the agents that run the bundle in the environment go through these gates; with `gates` null, through none. Sessions keep the stage that they are in. Repetitions with one `Idempotency-Key` are one, for 24 hours.',
        params: OfBundle,
        body: Type.Object({
          env: Environment,
          gates: Type.Union([Type.Object({ name: Name, version: Type.Integer({ minimum: 1 }) }), Type.Null()], {
            description: 'The gates and their version; null: none from now on.',
          }),
        }),
        response: { 200: Type.Object(Deployment), ...failures(401, 403, 404, 422) },
      },
    },
    async (request) => {
      const caller = userOf(request)
      const { env, gates: named } = request.body
      const order = { env, bundleName: request.params.name, gates: named }
      return wireDeployment(await gates.deploy(caller, order, onceOf(request, caller)))
    },
  )

  app.get(
    '/api/v1/bundles/:name/gates',
    {
      config: { access: 'either', scope: 'environment' },
      schema: {
        ...tags,
        summary: 'The gates before the agents of a bundle',
        params: OfBundle,
        querystring: Type.Object({ env: Type.String() }),
        response: {
          200: Type.Object({
            gates: Nullable(WireGates),
          }),
          ...failures(401, 403, 404, 422),
        },
      },
    },
    async (request) => {
      const found = await gates.ofBundle(userOrKeyOf(request), request.params.name, request.query.env)
      return { gates: found && wireGates(found) }
    },
  )

  app.get(
    '/api/v1/bundles/:name/gates/deployments',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Which gates stood before the agents of a bundle',
        description: 'The newest first, at most 100.',
        params: OfBundle,
        querystring: Type.Object({ env: Type.Optional(Environment) }),
        response: { 200: Type.Array(Type.Object(Deployment)), ...failures(401, 404, 422) },
      },
    },
    async (request) =>
      (await gates.deployments(userOf(request), request.params.name, request.query.env)).map(wireDeployment),
  )
}
