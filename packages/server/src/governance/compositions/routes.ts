import Type from 'typebox'
import { failures, Maybe } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { userOf } from '../../identity/caller.ts'
import { COMPOSITION_NAME, LONGEST_COMPOSITION_NAME } from '../contracts/decompose.ts'
import type { Compositions } from './compositions.ts'
import { compositionDeployRoutes } from './deploy-routes.ts'
import {
  access,
  ByName,
  Description,
  Detail,
  ItemBodies,
  ItemBody,
  itemOf,
  MOST_ITEMS,
  Mode,
  Settings,
  Strategy,
  Summary,
  tags,
  wireDetail,
  wireSummary,
} from './wire.ts'

/** Compositions: kept, changed, previewed and deployed. */
export function compositionRoutes(app: App, { compositions }: { compositions: Compositions }): void {
  compositionDeployRoutes(app, { compositions })

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
    async (request) => (await compositions.list(userOf(request))).map((each) => wireSummary(each, each.contractCount)),
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
}
