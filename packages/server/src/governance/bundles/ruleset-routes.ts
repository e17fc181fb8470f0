import Type from 'typebox'
import { failures, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { keyOf } from '../../identity/caller.ts'
import { EnvironmentName } from '../fields.ts'
import { withAgentJson } from '../json-body.ts'
import type { Bundles } from './bundles.ts'

/** The door of the later SDKs to bundles (rulesets). Both forms of the document are of the same bytes: each client reads one. */
export function rulesetRoutes(app: App, { bundles }: { bundles: Bundles }): void {
  withAgentJson(app, (scope) => {
    scope.get(
      '/v1/rulesets/:name/current',
      {
        config: { access: 'agent', scope: 'environment' },
        schema: {
          tags: ['rulesets'],
          summary: 'The version an environment runs, as a Ruleset',
          description:
            'For edictum 0.18 and later in Python, and the TypeScript and Go SDKs. A stored `ContractBundle` is offered in the words of rulesets, with a hash and a signature of its own.',
          params: Type.Object({ name: Type.String({ maxLength: 1024 }) }),
          querystring: Type.Object({
            env: Type.Optional(Type.String({ description: "Must be the key's environment; absent, it is that." })),
          }),
          response: {
            200: Type.Object({
              name: Type.String(),
              version: Type.Integer(),
              env: EnvironmentName,
              revision_hash: Type.String({
                description: 'Hex SHA-256 of these bytes; agents report it as `policy_version`.',
              }),
              yaml: Type.String({ description: 'The document.' }),
              yaml_bytes: Type.String({ description: 'Base64 of the same bytes.' }),
              signature: Nullable(Type.String({ description: 'Base64; Ed25519 over the bytes.' })),
              public_key: Nullable(Type.String({ description: 'Hex, 32 bytes; verifies the signature.' })),
            }),
            ...failures(401, 403, 404, 422),
          },
        },
      },
      async (request) => {
        const caller = keyOf(request)
        const env = request.query.env || caller.env
        const { bundle, publicKey } = await bundles.getOffered(caller, request.params.name, env)
        const bytes = Buffer.from(bundle.yamlBytes)
        return {
          name: bundle.name,
          version: bundle.version,
          env,
          revision_hash: bundle.revisionHash,
          yaml: bytes.toString('utf8'),
          yaml_bytes: bytes.toString('base64'),
          signature: bundle.signature && Buffer.from(bundle.signature).toString('base64'),
          public_key: publicKey && Buffer.from(publicKey).toString('hex'),
        }
      },
    )
  })
}
