import Type from 'typebox'
import { userOf, userOrKeyOf } from '../../http/caller.ts'
import { failures, Instant, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { Issue, wireIssue } from '../wire-issue.ts'
import type { Bundles } from './bundles.ts'
import type { BundleInfo } from './store.ts'

const tags = { tags: ['bundles'] }

const Bundle = {
  id: Type.String(),
  tenant_id: Type.String(),
  name: Type.String(),
  version: Type.Integer(),
  revision_hash: Type.String({ description: 'Hex SHA-256 of the exact bytes; agents report it as policy_version.' }),
  signature_hex: Nullable(
    Type.String({ description: 'Ed25519 over the exact bytes; null before the first deployment.' }),
  ),
  source_hub_slug: Nullable(Type.String()),
  source_hub_revision: Nullable(Type.String()),
  uploaded_by: Type.String(),
  created_at: Instant,
}

const Name = Type.String({ maxLength: 1024 })
const Version = Type.Integer()
const ByVersion = Type.Object({ name: Name, version: Version })

const hexOf = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'))
const base64Of = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString('base64')

const wireBundle = (row: BundleInfo) => ({
  id: row.id,
  tenant_id: row.tenant_id,
  name: row.name,
  version: row.version,
  revision_hash: row.revision_hash,
  signature_hex: hexOf(row.signature),
  source_hub_slug: row.source_hub_slug,
  source_hub_revision: row.source_hub_revision,
  uploaded_by: row.uploaded_by,
  created_at: toWireTime(row.created_at),
})

/** console-api §8.3.1 to 8.3.7: bundle versions. */
export function bundleRoutes(app: App, { bundles }: { bundles: Bundles }): void {
  app.post(
    '/api/v1/bundles',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Upload a bundle version',
        description:
          'The document is loaded in full before it is kept; the answer to a broken one lists every problem with line and column. The bytes are stored as they came.',
        body: Type.Object({ yaml_content: Type.String({ maxLength: 1_048_576 }) }),
        response: {
          201: Type.Object({
            ...Bundle,
            warnings: Type.Array(Issue, { description: 'What to know before deploying it.' }),
          }),
          ...failures(401, 403, 413, 422),
        },
      },
    },
    async (request, reply) => {
      const { row, warnings } = await bundles.upload(userOf(request), request.body.yaml_content)
      return reply.code(201).send({ ...wireBundle(row), warnings: warnings.map(wireIssue) })
    },
  )

  app.get(
    '/api/v1/bundles',
    {
      config: { access: 'either', scope: 'environment' },
      schema: {
        ...tags,
        summary: 'List bundles',
        description: 'An API key sees what was ever deployed to its environment.',
        response: {
          200: Type.Array(
            Type.Object({
              name: Type.String(),
              latest_version: Type.Integer(),
              version_count: Type.Integer(),
              last_updated: Instant,
              deployed_envs: Type.Array(Type.String()),
              contract_count: Nullable(Type.Integer()),
              last_deployed_at: Nullable(Instant),
            }),
          ),
          ...failures(401),
        },
      },
    },
    async (request) =>
      (await bundles.list(userOrKeyOf(request))).map((row) => ({
        ...row,
        last_updated: toWireTime(row.last_updated),
        deployed_envs: [...row.deployed_envs],
        last_deployed_at: toWireTimeOrNull(row.last_deployed_at),
      })),
  )

  app.get(
    '/api/v1/bundles/:name',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'List the versions of a bundle',
        params: Type.Object({ name: Name }),
        response: {
          200: Type.Array(Type.Object({ ...Bundle, deployed_envs: Type.Array(Type.String()) })),
          ...failures(401, 404, 422),
        },
      },
    },
    async (request) =>
      (await bundles.versions(userOf(request), request.params.name)).map((row) => ({
        ...wireBundle(row),
        deployed_envs: row.deployed_envs,
      })),
  )

  app.get(
    '/api/v1/bundles/:name/current',
    {
      config: { access: 'either', scope: 'environment' },
      schema: {
        ...tags,
        summary: 'The version an environment runs',
        params: Type.Object({ name: Name }),
        querystring: Type.Object({ env: Type.String() }),
        response: {
          200: Type.Object({
            ...Bundle,
            yaml_bytes: Type.String({ description: 'Base64 of the exact bytes.' }),
            signature: Nullable(Type.String({ description: 'The signature again, in base64.' })),
            public_key: Nullable(Type.String({ description: 'Hex, 32 bytes; verifies the signature.' })),
          }),
          ...failures(401, 403, 404, 422),
        },
      },
    },
    async (request) => {
      const { row, publicKey } = await bundles.getCurrent(userOrKeyOf(request), request.params.name, request.query.env)
      return {
        ...wireBundle(row),
        yaml_bytes: Buffer.from(row.yaml_bytes).toString('base64'),
        signature: base64Of(row.signature),
        public_key: hexOf(publicKey),
      }
    },
  )

  app.get(
    '/api/v1/bundles/:name/:version',
    {
      config: { access: 'either', scope: 'environment' },
      schema: {
        ...tags,
        summary: 'One version of a bundle',
        params: ByVersion,
        response: { 200: Type.Object(Bundle), ...failures(401, 404, 422) },
      },
    },
    async (request) => {
      const { name, version } = request.params
      return wireBundle(await bundles.get(userOrKeyOf(request), name, version))
    },
  )

  app.get(
    '/api/v1/bundles/:name/:version/yaml',
    {
      config: { access: 'either', scope: 'environment' },
      schema: {
        ...tags,
        summary: 'The exact bytes of a version',
        params: ByVersion,
        produces: ['application/x-yaml'],
        response: {
          200: Type.Unsafe<Buffer>({ description: 'The document.' }),
          ...failures(401, 404, 422),
        },
      },
    },
    async (request, reply) => {
      const { name, version } = request.params
      const { yaml_bytes } = await bundles.get(userOrKeyOf(request), name, version)
      return reply.header('content-type', 'application/x-yaml').send(Buffer.from(yaml_bytes))
    },
  )
}
