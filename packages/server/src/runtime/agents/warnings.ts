import type { AgentManifest } from '@lictor/aegis'
import { NotExecutable, planOf } from '../executions/plan.ts'

/** What whoever deploys a manifest should know, though it does not keep it from being deployed. */
export function warningsOf(manifest: AgentManifest): string[] {
  return [
    ...manifest.warnings.map(({ path, message }) => (path ? `${path}: ${message}` : message)),
    ...networkWarnings(manifest),
    ...executionWarnings(manifest),
  ]
}

function networkWarnings({ spec }: AgentManifest): string[] {
  const { mode = 'allow', allowlist = [] } = spec.security?.network ?? {}
  if (mode !== 'allow' || allowlist.length === 0 || allowlist.includes('*')) return []
  return [
    "spec.security.network.allowlist: sandboxes of this server open the network whole ('*') or not at all; commands of this agent reach none of the hosts listed.",
  ]
}

function executionWarnings(manifest: AgentManifest): string[] {
  try {
    planOf(manifest)
    return []
  } catch (error) {
    if (error instanceof NotExecutable) return [`This server will refuse to execute this agent: ${error.message}`]
    throw error
  }
}
