import { composeBundles } from '../compose/layers.ts'
import { loadBundle } from '../load/index.ts'
import { type CompileOptions, compilePolicy } from './compile.ts'
import type { Policy } from './policy.ts'

/** A bundle's exact bytes, or its text. */
export type BundleSource = string | Uint8Array

/**
 * A policy from the text of a bundle, or from several composed left to right: `loadBundle`,
 * `composeBundles`, then `compilePolicy` with the hash as version. Throws `EdictumConfigError` as they do.
 */
export function loadPolicy(
  source: BundleSource | readonly BundleSource[],
  options: Omit<CompileOptions, 'version'> = {},
): Policy {
  const sources: readonly BundleSource[] = isSingle(source) ? [source] : source
  const operators = new Set(Object.keys(options.operators ?? {}))
  const layers = sources.map((text, index) => ({
    bundle: loadBundle(text, { operators }),
    source: `bundle ${index + 1}`,
  }))
  const { document, hash } = composeBundles(layers)
  return compilePolicy(document, { ...options, version: hash })
}

function isSingle(source: BundleSource | readonly BundleSource[]): source is BundleSource {
  return typeof source === 'string' || source instanceof Uint8Array
}
