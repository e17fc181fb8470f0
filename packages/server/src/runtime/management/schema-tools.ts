import { AgentManifest, describeIssue, ManifestError, WorkflowManifest } from '@lictor/aegis'
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
/** Schemas of manifests, and whether a manifest is one. */
export function schemaTools(deps: { warningsOf: (manifest: AgentManifest) => readonly string[] }): Tool[] {
  return [
    {
      ...own,
      name: 'aegis.schema.get',
      description: 'The JSON Schema of a manifest.',
      arguments: { key: oneOf('Which manifest.', ['agent/manifest/v1', 'workflow/manifest/v1']) },
      run: async ({ args }) => {
        if (args.key !== 'agent/manifest/v1')
          throw new ToolFailed(
            'There is no JSON Schema of the manifests of workflows. aegis.schema.validate checks one.',
            404,
          )
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
        const text = String(args.manifest_yaml)
        try {
          const warnings =
            args.kind === 'workflow'
              ? WorkflowManifest.parse(text).warnings.map(describeIssue)
              : deps.warningsOf(AgentManifest.parse(text))
          return { valid: true, errors: [], warnings }
        } catch (error) {
          if (!(error instanceof ManifestError)) throw error
          const { issues, message } = error
          return { valid: false, errors: issues.length > 0 ? issues : [{ path: '', message }], warnings: [] }
        }
      },
    },
  ]
}
