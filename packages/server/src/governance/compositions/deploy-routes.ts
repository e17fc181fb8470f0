import Type from 'typebox'
import { onceOf } from '../../changes/idempotency/idempotency.ts'
import { failures, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { userOf } from '../../identity/caller.ts'
import { ContractId, DeploymentId, Environment, EnvironmentName } from '../fields.ts'
import { Issue, wireIssue } from '../wire-issue.ts'
import type { Compositions } from './compositions.ts'
import { Assembled, access, ByName, Detail, tags, wireAssembled, wireDetail } from './wire.ts'

/** What deploys a composition, and the promotion of observed versions. */
export function compositionDeployRoutes(app: App, { compositions }: { compositions: Compositions }): void {
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
          'The bundle gets the name of the composition and its next version. A bundle that agents would refuse is refused here. Repetitions with one `Idempotency-Key` deploy once, for 24 hours.',
        params: ByName,
        body: Type.Object({ env: Environment }),
        response: {
          201: Type.Object({
            bundle_name: Type.String(),
            bundle_version: Type.Integer(),
            contracts_assembled: Assembled,
            deployment_id: DeploymentId,
          }),
          ...failures(401, 403, 404, 422),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const caller = userOf(request)
      const deployed = await compositions.deploy(caller, name, request.body.env, onceOf(request, caller))
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
          'With the strategy observe_first a new version of a contract is only observed, as `<contract_id>-obs`. This pins it in the place of the version in force and deploys the composition where it is deployed. Repetitions with one `Idempotency-Key` promote once, for 24 hours.',
        params: ByName,
        body: Nullable(
          Type.Object({ contract_id: Maybe(Type.String({ description: 'Only this one; otherwise all.' })) }),
        ),
        response: {
          200: Type.Object({
            ...Detail,
            promoted: Type.Array(Type.Object({ contract_id: ContractId, version: Type.Integer() })),
            bundle_version: Nullable(Type.Integer({ description: 'Null when the composition is deployed nowhere.' })),
            contracts_assembled: Assembled,
            deployments: Type.Array(Type.Object({ id: DeploymentId, env: EnvironmentName })),
          }),
          ...failures(401, 403, 404, 409, 422),
        },
      },
    },
    async (request) => {
      const { name } = request.params
      const caller = userOf(request)
      const contractId = request.body?.contract_id ?? null
      const promotion = await compositions.promote(caller, name, contractId, onceOf(request, caller))
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
