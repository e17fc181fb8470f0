import { AgentManifest, ManifestError } from '@lictor/aegis'
import { builtin, type Tool, ToolFailed } from '../tools/tool.ts'
import { agentManifestSchema } from './agent-schema.ts'
import { content, oneOf } from './arguments.ts'

const own = {
  ...builtin,
  category: 'schema_validation',
  tags: ['read-only'],
  sideEffect: 'read',
  isIdempotent: true,
} as const
const noWorkflows = () =>
  new ToolFailed('This server runs no workflows yet: there is no schema of their manifests.', 404)

/** Schemas of manifests, and whether a manifest is one. */
export function schemaTools(deps: { warningsOf: (manifest: AgentManifest) => readonly string[] }): Tool[] {
  return [
    {
      ...own,
      name: 'aegis.schema.get',
      description: 'The JSON Schema of a manifest.',
      arguments: { key: oneOf('Which manifest.', ['agent/manifest/v1', 'workflow/manifest/v1']) },
      run: async ({ args }) => {
        if (args.key !== 'agent/manifest/v1') throw noWorkflows()
        return { key: args.key, schema: agentManifestSchema }
      },
    },
    {
      ...own,
      name: 'aegis.schema.validate',
      description: 'Check a manifest without deploying it.',
      arguments: {
        kind: oneOf('What it is the manifest of.', ['agent', 'workflow']),
        manifest_yaml: content('The manifest, as YAML or JSON.'),
      },
      run: async ({ args }) => {
        if (args.kind !== 'agent') throw noWorkflows()
        try {
          const manifest = AgentManifest.parse(String(args.manifest_yaml))
          return { valid: true, errors: [], warnings: deps.warningsOf(manifest) }
        } catch (error) {
          if (!(error instanceof ManifestError)) throw error
          const { issues, message } = error
          return { valid: false, errors: issues.length > 0 ? issues : [{ path: '', message }], warnings: [] }
        }
      },
    },
  ]
}
