import type { LoadedBundle } from '../document.ts'
import { checkSource, type LoadOptions } from '../load/index.ts'
import type { ContractIssue } from '../types.ts'
import { lintDocument } from './index.ts'

export interface CheckedBundle {
  /** Null when there are issues. */
  readonly bundle: LoadedBundle | null
  readonly issues: readonly ContractIssue[]
  /** What loads but is probably not meant so. */
  readonly warnings: readonly ContractIssue[]
}

/** As `loadBundle`, for who writes bundles: issues and warnings as values, also when both are there. */
export function checkBundle(source: string | Uint8Array, options: LoadOptions = {}): CheckedBundle {
  const { bundle, issues, root, text } = checkSource(source, options)
  return { bundle, issues, warnings: root === null ? [] : lintDocument(root, text, options) }
}
