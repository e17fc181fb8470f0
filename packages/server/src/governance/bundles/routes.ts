import Type from 'typebox'
import { onceOf } from '../../changes/idempotency/idempotency.ts'
import { failures, Instant, Nullable, TenantId } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { type KeyCaller, type UserCaller, userOf, userOrKeyOf } from '../../identity/caller.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { YamlContent } from '../fields.ts'
import { type DeliveredGates, WireGates, wireGates } from '../gates/delivered.ts'
import { Issue, wireIssue } from '../wire-issue.ts'
import type { BundleSummary, Bundles } from './bundles.ts'
import type { BundleInfo } from './store.ts'

const tags = { tags: ['bundles'] }

const Bundle = {
  id: Type.String(),
  tenant_id: TenantId,
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

const wireBundle = (bundle: BundleInfo) => ({
  id: bundle.id,
  tenant_id: bundle.tenantId,
  name: bundle.name,
  version: bundle.version,
  revision_hash: bundle.revisionHash,
  signature_hex: hexOf(bundle.signature),
  source_hub_slug: bundle.sourceHubSlug,
  source_hub_revision: bundle.sourceHubRevision,
  uploaded_by: bundle.uploadedBy,
  created_at: toWireTime(bundle.createdAt),
})

const wireSummary = (summary: BundleSummary) => ({
  name: summary.name,
  latest_version: summary.latestVersion,
  version_count: summary.versionCount,
  last_updated: toWireTime(summary.lastUpdated),
  deployed_envs: [...summary.deployedEnvs],
  contract_count: summary.contractCount,
  last_deployed_at: toWireTimeOrNull(summary.lastDeployedAt),
})

/** What stands before the agents of a bundle. */
export interface BundleGates {
  inForce(caller: UserCaller | KeyCaller, bundleName: string, env: string): Promise<DeliveredGates | null>
}

/** Bundle versions. */
export function bundleRoutes(app: App, { bundles, gates }: { bundles: Bundles; gates: BundleGates }): void {
  app.post(
    '/api/v1/bundles',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Upload a bundle version',
        description:
          'The document is loaded in full before it is kept; the answer to a broken one lists every problem with line and column. The bytes are stored as they came. Repetitions with one `Idempotency-Key` make one version, for 24 hours.',
        body: Type.Object({ yaml_content: YamlContent }),
        response: {
          201: Type.Object({
            ...Bundle,
            warnings: Type.Array(Issue, { description: 'What to know before deploying it.' }),
            reader_warnings: Type.Array(
              Type.Object({ ...Issue.properties, reader: Type.Enum(['python', 'typescript', 'go']) }),
              {
                description:
                  'What keeps agents with a published SDK of that language from loading it: they keep the contracts they have.',
              },
            ),
          }),
          ...failures(401, 403, 413, 422),
        },
      },
    },
    async (request, reply) => {
      const caller = userOf(request)
      const { bundle, warnings, readerIssues } = await bundles.upload(
        caller,
        request.body.yaml_content,
        onceOf(request, caller),
      )
      return reply.code(201).send({
        ...wireBundle(bundle),
        warnings: warnings.map(wireIssue),
        reader_warnings: readerIssues.map((issue) => ({ ...wireIssue(issue), reader: issue.reader })),
      })
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
    async (request) => (await bundles.list(userOrKeyOf(request))).map(wireSummary),
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
      (await bundles.versions(userOf(request), request.params.name)).map((bundle) => ({
        ...wireBundle(bundle),
        deployed_envs: bundle.deployedEnvs,
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
            gates: Type.Optional(WireGates),
          }),
          ...failures(401, 403, 404, 422),
        },
      },
    },
    async (request) => {
      const caller = userOrKeyOf(request)
      const { name } = request.params
      const { env } = request.query
      const readsRulesets = caller.kind === 'key' && caller.client === 'rulesets'
      const { bundle, publicKey } = readsRulesets
        ? await bundles.getOffered(caller, name, env)
        : await bundles.getCurrent(caller, name, env)
      const before = readsRulesets ? null : await gates.inForce(caller, name, env)
      return {
        ...wireBundle(bundle),
        yaml_bytes: Buffer.from(bundle.yamlBytes).toString('base64'),
        signature: base64Of(bundle.signature),
        public_key: hexOf(publicKey),
        ...(before === null ? {} : { gates: wireGates(before) }),
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
      const { yamlBytes } = await bundles.get(userOrKeyOf(request), name, version)
      return reply.header('content-type', 'application/x-yaml').send(Buffer.from(yamlBytes))
    },
  )
}
