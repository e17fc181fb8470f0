import Type from 'typebox'
import { userOf } from '../../http/caller.ts'
import { failures, Instant, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { environments } from '../../identity/keys.ts'
import { toWireTime } from '../../storage/instants.ts'
import { COMPOSITION_NAME, LONGEST_COMPOSITION_NAME, LONGEST_CONTRACT_ID } from '../contracts/decompose.ts'
import { Issue, wireIssue } from '../wire-issue.ts'
import type { Compositions, CompositionView, ItemInput } from './compositions.ts'
import type { ComposedDeployment } from './redeploy.ts'
import type { Composition } from './store.ts'

const tags = { tags: ['compositions'] }
const access = { access: 'dashboard', scope: 'tenant' } as const
const MOST_ITEMS = 100
const LARGEST_INTEGER = 2_147_483_647

const Mode = Type.Enum(['enforce', 'observe'])
const Strategy = Type.Enum(['manual', 'auto_deploy', 'observe_first'], {
  description:
    'What a new version of a contract does: nothing; it is deployed where the composition is deployed; it is deployed there in observe mode beside the version in force, until it is promoted.',
})
const Settings = Type.Record(Type.String(), Type.Unknown())
const Description = Type.String({ maxLength: 2000 })
const ByName = Type.Object({ name: Type.String({ maxLength: 1024 }) })

const ItemBody = Type.Object({
  contract_id: Type.String({ maxLength: LONGEST_CONTRACT_ID }),
  position: Type.Integer({ minimum: -LARGEST_INTEGER, maximum: LARGEST_INTEGER }),
  mode_override: Maybe(Mode),
  enabled: Type.Optional(Type.Boolean({ default: true })),
})
const ItemBodies = Type.Array(ItemBody, { maxItems: MOST_ITEMS })

const Summary = {
  name: Type.String(),
  description: Nullable(Type.String()),
  defaults_mode: Type.String(),
  update_strategy: Type.String(),
  contract_count: Type.Integer({ description: 'All items, enabled or not.' }),
  updated_at: Instant,
  created_by: Type.String(),
}

const Detail = {
  ...Summary,
  id: Type.String(),
  tenant_id: Type.String(),
  contracts: Type.Array(
    Type.Object({
      contract_id: Type.String(),
      contract_name: Type.String(),
      contract_type: Type.String(),
      contract_version: Type.Integer({ description: 'The version that is pinned.' }),
      position: Type.Integer(),
      mode_override: Nullable(Type.String()),
      enabled: Type.Boolean(),
      has_newer_version: Type.Boolean(),
      observed_version: Nullable(
        Type.Integer({ description: 'Only observed beside the pinned version until it is promoted.' }),
      ),
    }),
  ),
  tools_config: Nullable(Settings),
  observability: Nullable(Settings),
}

const Assembled = Type.Array(
  Type.Object({
    contract_id: Type.String(),
    version: Type.Integer(),
    mode: Type.String(),
    observe: Type.Boolean({ description: 'A newer version, only observed beside the one in force.' }),
  }),
  { description: 'As kept with the bundle; later changes of the composition do not change it.' },
)

const settingsOf = (json: string | null) => (json === null ? null : (JSON.parse(json) as Record<string, unknown>))

const wireSummary = (row: Composition, contractCount: number) => ({
  name: row.name,
  description: row.description,
  defaults_mode: row.defaults_mode,
  update_strategy: row.update_strategy,
  contract_count: contractCount,
  updated_at: toWireTime(row.updated_at),
  created_by: row.created_by,
})

const wireDetail = ({ row, items }: CompositionView) => ({
  ...wireSummary(row, items.length),
  id: row.id,
  tenant_id: row.tenant_id,
  contracts: items.map((item) => ({
    contract_id: item.contract_id,
    contract_name: item.name,
    contract_type: item.type,
    contract_version: item.pinned_version,
    position: item.position,
    mode_override: item.mode_override,
    enabled: item.enabled === 1,
    has_newer_version: item.latest_version > item.pinned_version,
    observed_version: item.observed_version,
  })),
  tools_config: settingsOf(row.tools_config),
  observability: settingsOf(row.observability),
})

const wireAssembled = (deployed: ComposedDeployment) => deployed.contracts.map((contract) => ({ ...contract }))

const itemOf = (item: Type.Static<typeof ItemBody>): ItemInput => ({
  contractId: item.contract_id,
  position: item.position,
  modeOverride: item.mode_override ?? null,
  enabled: item.enabled ?? true,
})

/** console-api §8.2.9 to 8.2.17, and the promotion of observed versions (decision D11). */
export function compositionRoutes(app: App, { compositions }: { compositions: Compositions }): void {
  app.get(
    '/api/v1/compositions',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'List compositions, newest change first',
        response: { 200: Type.Array(Type.Object(Summary)), ...failures(401) },
      },
    },
    async (request) => (await compositions.list(userOf(request))).map((row) => wireSummary(row, row.contract_count)),
  )

  app.post(
    '/api/v1/compositions',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Create a composition',
        description: 'Each contract is pinned to its latest version of this moment.',
        body: Type.Object({
          name: Type.String({
            maxLength: LONGEST_COMPOSITION_NAME,
            pattern: COMPOSITION_NAME,
            examples: ['devops-agent'],
          }),
          description: Maybe(Description),
          defaults_mode: Type.Enum(['enforce', 'observe'], { default: 'enforce' }),
          update_strategy: Type.Enum(['manual', 'auto_deploy', 'observe_first'], { default: 'manual' }),
          contracts: Type.Array(ItemBody, { maxItems: MOST_ITEMS, default: [] }),
          tools_config: Maybe(Settings),
          observability: Maybe(Settings),
        }),
        response: { 201: Type.Object(Detail), ...failures(401, 403, 409, 413, 422) },
      },
    },
    async (request, reply) => {
      const { name, description, defaults_mode, update_strategy, contracts, tools_config, observability } = request.body
      const view = await compositions.create(userOf(request), name, {
        description: description ?? null,
        defaultsMode: defaults_mode,
        updateStrategy: update_strategy,
        contracts: contracts.map(itemOf),
        toolsConfig: tools_config ?? null,
        observability: observability ?? null,
      })
      return reply.code(201).send(wireDetail(view))
    },
  )

  app.get(
    '/api/v1/compositions/:name',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'A composition and its contracts',
        params: ByName,
        response: { 200: Type.Object(Detail), ...failures(401, 404, 422) },
      },
    },
    async (request) => wireDetail(await compositions.get(userOf(request), request.params.name)),
  )

  app.put(
    '/api/v1/compositions/:name',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Change a composition',
        description:
          'Null or absent leaves a field as it is. Given contracts replace all items, each pinned to its latest version of this moment.',
        params: ByName,
        body: Type.Object({
          description: Maybe(Description),
          defaults_mode: Maybe(Mode),
          update_strategy: Maybe(Strategy),
          contracts: Maybe(ItemBodies),
          tools_config: Maybe(Settings),
          observability: Maybe(Settings),
        }),
        response: { 200: Type.Object(Detail), ...failures(401, 403, 404, 413, 422) },
      },
    },
    async (request) => {
      const { description, defaults_mode, update_strategy, contracts, tools_config, observability } = request.body
      const view = await compositions.update(userOf(request), request.params.name, {
        description: description ?? undefined,
        defaultsMode: defaults_mode ?? undefined,
        updateStrategy: update_strategy ?? undefined,
        contracts: contracts?.map(itemOf) ?? undefined,
        toolsConfig: tools_config ?? undefined,
        observability: observability ?? undefined,
      })
      return wireDetail(view)
    },
  )

  app.delete(
    '/api/v1/compositions/:name',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Delete a composition',
        description: 'The bundles made from it stay.',
        params: ByName,
        response: { 204: Type.Null(), ...failures(401, 403, 404, 422) },
      },
    },
    async (request, reply) => {
      await compositions.remove(userOf(request), request.params.name)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/api/v1/compositions/:name/preview',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Assemble a composition without deploying it',
        params: ByName,
        response: {
          200: Type.Object({
            yaml_content: Type.String(),
            contracts_count: Type.Integer({ description: 'Items that are enabled.' }),
            validation_errors: Type.Array(Type.String(), { description: 'What a deployment would be refused for.' }),
            issues: Type.Array(Issue, { description: 'The same, with places in yaml_content.' }),
            warnings: Type.Array(Issue, { description: 'What to know before deploying it.' }),
          }),
          ...failures(401, 403, 404, 422),
        },
      },
    },
    async (request) => {
      const { assembly, enabled } = await compositions.preview(userOf(request), request.params.name)
      const none = ['Composition has no enabled contracts']
      return {
        yaml_content: assembly?.text ?? '',
        contracts_count: enabled,
        validation_errors: assembly?.problems.map((problem) => problem.message) ?? none,
        issues: assembly?.problems.map(wireIssue) ?? [],
        warnings: assembly?.warnings.map(wireIssue) ?? [],
      }
    },
  )

  app.post(
    '/api/v1/compositions/:name/deploy',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Assemble, sign and deploy a composition',
        description:
          'The bundle gets the name of the composition and its next version. A bundle that agents would refuse is refused here.',
        params: ByName,
        body: Type.Object({ env: Type.Enum([...environments]) }),
        response: {
          201: Type.Object({
            bundle_name: Type.String(),
            bundle_version: Type.Integer(),
            contracts_assembled: Assembled,
            deployment_id: Type.String(),
          }),
          ...failures(401, 403, 404, 422),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const deployed = await compositions.deploy(userOf(request), name, request.body.env)
      return reply.code(201).send({
        bundle_name: name,
        bundle_version: deployed.bundleVersion,
        contracts_assembled: wireAssembled(deployed),
        deployment_id: deployed.deployments[0]?.id ?? '',
      })
    },
  )

  app.post(
    '/api/v1/compositions/:name/promote',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Put observed versions into force',
        description:
          'With the strategy observe_first a new version of a contract is only observed, as `<contract_id>-obs`. This pins it in the place of the version in force and deploys the composition where it is deployed.',
        params: ByName,
        body: Nullable(
          Type.Object({ contract_id: Maybe(Type.String({ description: 'Only this one; otherwise all.' })) }),
        ),
        response: {
          200: Type.Object({
            ...Detail,
            promoted: Type.Array(Type.Object({ contract_id: Type.String(), version: Type.Integer() })),
            bundle_version: Nullable(Type.Integer({ description: 'Null when the composition is deployed nowhere.' })),
            contracts_assembled: Assembled,
            deployments: Type.Array(Type.Object({ id: Type.String(), env: Type.String() })),
          }),
          ...failures(401, 403, 404, 409, 422),
        },
      },
    },
    async (request) => {
      const { name } = request.params
      const promotion = await compositions.promote(userOf(request), name, request.body?.contract_id ?? null)
      const { promoted, deployed } = promotion
      return {
        ...wireDetail(promotion),
        promoted: promoted.map(({ contractId, version }) => ({ contract_id: contractId, version })),
        bundle_version: deployed?.bundleVersion ?? null,
        contracts_assembled: deployed === null ? [] : wireAssembled(deployed),
        deployments: deployed?.deployments.map(({ id, env }) => ({ id, env })) ?? [],
      }
    },
  )
}
