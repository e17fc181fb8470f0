// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the contract language
import Type from 'typebox'
import { failures, Id, Instant, Maybe, Nullable, TenantId } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { userOf } from '../../identity/caller.ts'
import { toWireTime } from '../../storage/instants.ts'
import { CompositionName, ContractId, contractId, YamlContent } from '../fields.ts'
import { Issue, wireIssue } from '../wire-issue.ts'
import type { Contracts, ContractView } from './contracts.ts'
import { CONTRACT_ID, contractTypes, LONGEST_CONTRACT_ID } from './decompose.ts'
import type { Redeployment } from './uses.ts'

const tags = { tags: ['contracts'] }
const access = { access: 'dashboard', scope: 'tenant' } as const

const description = 'What it is for, in the words of its author; null where nobody said.'
const Description = Type.String({ maxLength: 2000, description })
const Name = Type.String({ maxLength: 255 })
const Definition = Type.Record(Type.String(), Type.Unknown(), {
  description:
    'Everything of the contract but id and type: tool or tools, when, then, limits, … in the bundle language.',
  examples: [
    { tools: ['read_file'], when: { 'args.path': { contains: '.env' } }, then: { effect: 'deny', message: 'No.' } },
  ],
})
const ById = Type.Object({ contract_id: contractId({ maxLength: 1024 }) })

const Summary = {
  contract_id: ContractId,
  name: Type.String(),
  type: Type.String(),
  tags: Type.Array(Type.String()),
  version: Type.Integer(),
  description: Nullable(Type.String({ description })),
  created_at: Instant,
  usage_count: Type.Integer({ description: 'Compositions that use the contract, whichever version.' }),
}

const Detail = {
  ...Summary,
  id: Id,
  tenant_id: TenantId,
  definition: Definition,
  is_latest: Type.Boolean({ description: 'False: there is a newer version.' }),
  created_by: Type.String(),
  versions: Type.Array(Type.Object({ version: Type.Integer(), created_at: Instant, created_by: Type.String() }), {
    description: 'Newest first; empty in answers about one version.',
  }),
  warnings: Type.Array(Issue, { description: 'What a bundle with this version would be refused for.' }),
}

const Redeployments = Type.Array(
  Type.Object({
    composition_name: CompositionName,
    bundle_version: Nullable(Type.Integer({ description: 'Null when nothing was deployed.' })),
    environments: Type.Array(Type.String()),
    problem: Nullable(Type.String({ description: 'Why the composition stayed as it was.' })),
  }),
  { description: 'Compositions with the strategy auto_deploy or observe_first that took up the change.' },
)

const wireSummary = ({ contract, usageCount }: Pick<ContractView, 'contract' | 'usageCount'>) => ({
  contract_id: contract.contractId,
  name: contract.name,
  type: contract.type,
  tags: [...contract.tags],
  version: contract.version,
  description: contract.description,
  created_at: toWireTime(contract.createdAt),
  usage_count: usageCount,
})

const wireDetail = (view: ContractView) => ({
  ...wireSummary(view),
  id: view.contract.id,
  tenant_id: view.contract.tenantId,
  definition: view.contract.definition,
  is_latest: view.contract.isLatest,
  created_by: view.contract.createdBy,
  versions: view.versions.map(({ version, createdAt, createdBy }) => ({
    version,
    created_at: toWireTime(createdAt),
    created_by: createdBy,
  })),
  warnings: view.warnings.map(wireIssue),
})

const wireRedeployment = ({ compositionName, bundleVersion, environments, problem }: Redeployment) => ({
  composition_name: compositionName,
  bundle_version: bundleVersion,
  environments: [...environments],
  problem,
})

/** The contract library. */
export function contractRoutes(app: App, { contracts }: { contracts: Contracts }): void {
  app.get(
    '/api/v1/contracts',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'List the contract library, newest first',
        description: 'Latest versions only. The filters are joined by and; an empty one filters nothing.',
        querystring: Type.Object({
          type: Type.Optional(Type.String()),
          tag: Type.Optional(Type.String({ description: 'One of the tags, exactly.' })),
          search: Type.Optional(Type.String({ description: 'Part of name, description or id, whatever the case.' })),
        }),
        response: { 200: Type.Array(Type.Object(Summary)), ...failures(401, 422) },
      },
    },
    async (request) => (await contracts.list(userOf(request), request.query)).map(wireSummary),
  )

  app.post(
    '/api/v1/contracts',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Create a contract',
        description: 'The definition is kept as it is; `warnings` tells what a bundle would be refused for.',
        body: Type.Object({
          contract_id: contractId({
            maxLength: LONGEST_CONTRACT_ID,
            pattern: CONTRACT_ID,
            examples: ['block-dotenv'],
          }),
          name: Name,
          description: Maybe(Description),
          type: Type.Enum([...contractTypes]),
          definition: Definition,
          tags: Type.Array(Type.String(), { default: [] }),
        }),
        response: { 201: Type.Object(Detail), ...failures(401, 403, 409, 413, 422) },
      },
    },
    async (request, reply) => {
      const { contract_id, name, description, type, definition, tags } = request.body
      const view = await contracts.create(userOf(request), {
        contractId: contract_id,
        name,
        description: description ?? null,
        type,
        definition,
        tags,
      })
      return reply.code(201).send(wireDetail(view))
    },
  )

  app.post(
    '/api/v1/contracts/import',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Take a bundle apart into the library',
        description:
          'Each entry becomes a contract, or a further version of the one with its id. A composition is made of them unless one of the name in metadata.name is there.',
        body: Type.Object({ yaml_content: YamlContent }),
        response: {
          201: Type.Object({
            contracts_created: Type.Array(Type.String()),
            contracts_updated: Type.Array(Type.String()),
            bundle_composition_created: Nullable(Type.String()),
            redeployed: Redeployments,
          }),
          ...failures(401, 403, 413, 422),
        },
      },
    },
    async (request, reply) => {
      const imported = await contracts.importBundle(userOf(request), request.body.yaml_content)
      return reply.code(201).send({
        contracts_created: [...imported.created],
        contracts_updated: [...imported.updated],
        bundle_composition_created: imported.composition,
        redeployed: imported.redeployed.map(wireRedeployment),
      })
    },
  )

  app.get(
    '/api/v1/contracts/:contract_id',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'A contract and its versions',
        params: ById,
        response: { 200: Type.Object(Detail), ...failures(401, 404, 422) },
      },
    },
    async (request) => wireDetail(await contracts.get(userOf(request), request.params.contract_id)),
  )

  app.get(
    '/api/v1/contracts/:contract_id/versions/:version',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'One version of a contract',
        params: Type.Object({ ...ById.properties, version: Type.Integer() }),
        response: { 200: Type.Object(Detail), ...failures(401, 404, 422) },
      },
    },
    async (request) => {
      const { contract_id, version } = request.params
      return wireDetail(await contracts.getVersion(userOf(request), contract_id, version))
    },
  )

  app.put(
    '/api/v1/contracts/:contract_id',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Make a further version of a contract',
        description:
          'Null or absent leaves a field as it is. Compositions stay pinned to their version, except those that follow by themselves (update_strategy).',
        params: ById,
        body: Type.Object({
          name: Maybe(Name),
          description: Maybe(Description),
          definition: Maybe(Definition),
          tags: Maybe(Type.Array(Type.String())),
        }),
        response: {
          200: Type.Object({ ...Detail, redeployed: Redeployments }),
          ...failures(401, 403, 404, 413, 422),
        },
      },
    },
    async (request) => {
      const { name, description, definition, tags } = request.body
      const view = await contracts.update(userOf(request), request.params.contract_id, {
        name: name ?? undefined,
        description: description ?? undefined,
        definition: definition ?? undefined,
        tags: tags ?? undefined,
      })
      return { ...wireDetail(view), redeployed: view.redeployed.map(wireRedeployment) }
    },
  )

  app.delete(
    '/api/v1/contracts/:contract_id',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Delete a contract with all its versions',
        params: ById,
        response: { 204: Type.Null(), ...failures(401, 403, 404, 409, 422) },
      },
    },
    async (request, reply) => {
      await contracts.remove(userOf(request), request.params.contract_id)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/api/v1/contracts/:contract_id/usage',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Compositions that use a contract',
        params: ById,
        response: {
          200: Type.Array(Type.Object({ composition_id: Type.String(), composition_name: CompositionName })),
          ...failures(401, 422),
        },
      },
    },
    async (request) =>
      (await contracts.usage(userOf(request), request.params.contract_id)).map((use) => ({
        composition_id: use.compositionId,
        composition_name: use.compositionName,
      })),
  )
}
