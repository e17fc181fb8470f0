import type { Issue } from '../shape/shape.ts'

/** A manifest that cannot be used. `issues` says where and why, each with path and, for text, line and column. */
export class ManifestError extends Error {
  /** `manifest_unreadable`: the text is no YAML or JSON. `manifest_invalid`: it is, but not a manifest. */
  readonly code: 'manifest_unreadable' | 'manifest_invalid'
  readonly issues: readonly Issue[]

  constructor(code: ManifestError['code'], issues: readonly Issue[]) {
    super(issues.map(describeIssue).join('; '))
    this.name = 'ManifestError'
    this.code = code
    this.issues = issues
  }
}

/** `message (line 3, column 5)`. */
export function describeIssue({ message, line, column }: Issue): string {
  return line === undefined ? message : `${message} (line ${line}, column ${column})`
}
