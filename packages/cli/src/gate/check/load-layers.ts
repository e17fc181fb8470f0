import { type BundleDocument, compilePolicy, composeBundles, EdictumConfigError, loadBundle } from '@lictor/contracts'

/** Loads bundles, composed left to right, and compiles them once so that every mistake shows. @throws EdictumConfigError */
export function loadLayers(sources: readonly { readonly path: string; readonly bytes: Uint8Array }[]): {
  readonly document: BundleDocument
  readonly hash: string
} {
  const layers = sources.map(({ path, bytes }) => {
    try {
      return { source: path, bundle: loadBundle(bytes) }
    } catch (error) {
      if (!(error instanceof EdictumConfigError)) throw error
      throw new EdictumConfigError(error.issues.map((issue) => ({ ...issue, message: `${path}: ${issue.message}` })))
    }
  })
  const [only] = layers
  const { document, hash } = layers.length === 1 && only ? only.bundle : composeBundles(layers)
  compilePolicy(document, { version: hash })
  return { document, hash }
}
