import type { Issue as ManifestIssue } from '@lictor/aegis/manifests'
import type { Issue } from '../../contracts/shared/editing.tsx'

/** A problem of a manifest, as the editor shows problems. */
export const issueOfManifest = ({ severity, message, line, column, path }: ManifestIssue): Issue => ({
  severity,
  message,
  line: line ?? null,
  column: column ?? null,
  path,
  hint: null,
})
