import Type from 'typebox'
import { userOf } from '../../http/caller.ts'
import { failures, Instant } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { environments } from '../../identity/keys.ts'
import { toWireTime } from '../../storage/instants.ts'
import type { DeploymentInfo, Deployments } from './deployments.ts'

const tags = { tags: ['deployments'] }

const Deployment = {
  id: Type.String(),
  env: Type.String(),
  bundle_name: Type.String(),
  bundle_version: Type.Integer(),
  deployed_by: Type.String(),
  created_at: Instant,
}

const wireDeployment = (row: DeploymentInfo) => ({
  id: row.id,
  env: row.env,
  bundle_name: row.bundle_name,
  bundle_version: row.bundle_version,
  deployed_by: row.deployed_by,
  created_at: toWireTime(row.created_at),
})

/** console-api §8.3.8 and §8.3.10. */
export function deploymentRoutes(app: App, { deployments }: { deployments: Deployments }): void {
  app.post(
    '/api/v1/bundles/:name/:version/deploy',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Deploy a bundle version',
        description:
          'Signs the version when needed and sends it to every connected agent of the environment that runs it.',
        params: Type.Object({ name: Type.String({ maxLength: 1024 }), version: Type.Integer({ minimum: 0 }) }),
        body: Type.Object({ env: Type.Enum([...environments]) }),
        response: { 201: Type.Object(Deployment), ...failures(401, 403, 422) },
      },
    },
    async (request, reply) => {
      const { name, version } = request.params
      const deployment = await deployments.deploy(userOf(request), name, version, request.body.env)
      return reply.code(201).send(wireDeployment(deployment))
    },
  )

  app.get(
    '/api/v1/deployments',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'List deployments, newest first',
        querystring: Type.Object({
          env: Type.Optional(Type.String()),
          bundle_name: Type.Optional(Type.String()),
          limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
        }),
        response: { 200: Type.Array(Type.Object(Deployment)), ...failures(401, 422) },
      },
    },
    async (request) => {
      const { env, bundle_name, limit } = request.query
      return (await deployments.list(userOf(request), { env, bundleName: bundle_name, limit })).map(wireDeployment)
    },
  )
}
