import { MAX_BUNDLE_BYTES } from '../bounds.ts'
import type { BundleDocument, LoadedBundle } from '../document.ts'
import { EdictumConfigError } from '../errors.ts'
import { sha256Hex } from '../hash.ts'
import type { ContractIssue } from '../types.ts'
import { buildDocument } from './build.ts'
import { type CheckOptions, checkDocument } from './check.ts'
import { issue, Places } from './issues.ts'
import { nodeOf } from './values.ts'
import { decodeYaml } from './yaml/decode.ts'
import type { YamlNode } from './yaml/nodes.ts'
import { parseYaml } from './yaml/parse.ts'
import { YamlError } from './yaml/tokens.ts'

export type LoadOptions = CheckOptions

/**
 * Load a bundle: size, hash, YAML, schema and all checks of `STEP`, in both vocabularies.
 *
 * @param source the exact bytes, or text, which is encoded as UTF-8 for size and hash
 * @throws {EdictumConfigError} with every issue of the document, the first one first; nothing else, whatever the bytes
 */
export function loadBundle(source: string | Uint8Array, options: LoadOptions = {}): LoadedBundle {
  const { bundle, issues } = checkSource(source, options)
  if (bundle === null) throw new EdictumConfigError(issues)
  return bundle
}

/**
 * Check a document that is already parsed, as an assembled or stored one is: all checks of `STEP`.
 *
 * @throws {EdictumConfigError}
 */
export function loadDocument(value: unknown, options: LoadOptions = {}): BundleDocument {
  let root: YamlNode
  try {
    root = nodeOf(value)
  } catch (error) {
    const message = error instanceof YamlError ? error.message : 'the value cannot be read'
    throw new EdictumConfigError([
      issue('not_plain_data', '', { line: null, column: null }, `Not plain data: ${message}`),
    ])
  }
  const { bundle, kind, issues } = checkDocument(root, null, options)
  if (issues.length > 0) throw new EdictumConfigError(issues)
  return buildDocument(bundle, kind)
}

/** What came of a source: a bundle or issues, and the text with what was read of it, for who looks further. */
export interface CheckedSource {
  readonly bundle: LoadedBundle | null
  readonly issues: readonly ContractIssue[]
  /** Null when the text is no YAML. */
  readonly root: YamlNode | null
  readonly text: string
}

/** As `loadBundle`, with issues as values. */
export function checkSource(source: string | Uint8Array, options: LoadOptions): CheckedSource {
  const bytes = typeof source === 'string' ? new TextEncoder().encode(source) : source
  if (bytes.length > MAX_BUNDLE_BYTES) {
    const message = `The bundle is too large: ${bytes.length} bytes, the limit is ${MAX_BUNDLE_BYTES}`
    return {
      bundle: null,
      issues: [issue('too_large', '', { line: null, column: null }, message)],
      root: null,
      text: '',
    }
  }
  let text = ''
  let root: YamlNode
  try {
    if (typeof source === 'string') text = source
    text = decodeYaml(bytes)
    root = parseYaml(text)
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    return { bundle: null, issues: [yamlIssue(error, text)], root: null, text }
  }
  const { bundle, kind, issues } = checkDocument(root, text, options)
  if (issues.length > 0) return { bundle: null, issues, root, text }
  return { bundle: { document: buildDocument(bundle, kind), hash: sha256Hex(bytes) }, issues, root, text }
}

function yamlIssue(error: YamlError, text: string): ContractIssue {
  const place = new Places(text).of(error.offset)
  const where = place.line === null ? '' : ` (line ${place.line}, column ${place.column})`
  return issue('yaml_parse', '', place, `YAML parse error: ${error.message}${where}`, error.hint)
}
