import { loadBundle } from '../load/index.ts'
import { type CompileOptions, compilePolicy } from './compile.ts'
import type { Policy } from './policy.ts'

/**
 * A bundle's text made into a policy: `loadBundle`, then `compilePolicy`, with the bundle's hash as version.
 * Throws `EdictumConfigError` as they do.
 */
export function loadPolicy(source: string | Uint8Array, options: Omit<CompileOptions, 'version'> = {}): Policy {
  const { document, hash } = loadBundle(source, { operators: new Set(Object.keys(options.operators ?? {})) })
  return compilePolicy(document, { ...options, version: hash })
}
