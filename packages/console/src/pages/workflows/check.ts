import type { Issue } from '../contracts/shared/editing.tsx'
import { issueOfManifest } from '../managed-agents/shared/issues.ts'

/** What is wrong with a workflow's manifest, by the reader that the server uses; it comes when it is first needed. */
export async function checkWorkflowManifest(text: string): Promise<readonly Issue[]> {
  const { WorkflowManifest, ManifestError } = await import('@lictor/aegis/manifests')
  try {
    return WorkflowManifest.parse(text).warnings.map(issueOfManifest)
  } catch (error) {
    if (error instanceof ManifestError) return error.issues.map(issueOfManifest)
    throw error
  }
}
