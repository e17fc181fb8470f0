import type { Issue } from '../contracts/shared/editing.tsx'
import { issueOfManifest } from './shared/issues.ts'

/** What is wrong with a manifest, by the reader that the server uses; it comes when it is first needed. */
export async function checkAgentManifest(text: string): Promise<readonly Issue[]> {
  const { AgentManifest, ManifestError } = await import('@lictor/aegis/manifests')
  try {
    return AgentManifest.parse(text).warnings.map(issueOfManifest)
  } catch (error) {
    if (error instanceof ManifestError) return error.issues.map(issueOfManifest)
    throw error
  }
}
