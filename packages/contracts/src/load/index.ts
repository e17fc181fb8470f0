import type { BundleDocument, LoadedBundle } from '../document.ts'
import { EdictumConfigError } from '../errors.ts'
import { sha256Hex } from '../hash.ts'
import { lintDocument } from '../lint/index.ts'
import type { ContractIssue } from '../types.ts'
import { buildDocument } from './build.ts'
import { type CheckOptions, checkDocument } from './check.ts'
import { issue, Places } from './issues.ts'
import { nodeOf } from './values.ts'
import { parseYaml } from './yaml/compose.ts'
import { decodeYaml } from './yaml/decode.ts'
import type { YamlNode } from './yaml/nodes.ts'
import { YamlError } from './yaml/tokens.ts'

/** Largest bundle in bytes, inclusive (contract-language §2.1). */
export const MAX_BUNDLE_BYTES = 1_048_576

export type LoadOptions = CheckOptions

export interface CheckedBundle {
  /** Null when there are issues. */
  readonly bundle: LoadedBundle | null
  readonly issues: readonly ContractIssue[]
  readonly warnings: readonly ContractIssue[]
}

/**
 * Load a bundle: size, hash, YAML, schema and all checks of contract-language §2.2, both vocabularies (§24).
 *
 * @param source the exact bytes, or text, which is encoded as UTF-8 for size and hash
 * @throws {EdictumConfigError} with every issue of the document, the first one first; nothing else, whatever the bytes
 */
export function loadBundle(source: string | Uint8Array, options: LoadOptions = {}): LoadedBundle {
  const { bundle, issues } = check(source, options)
  if (bundle === null) throw new EdictumConfigError(issues)
  return bundle
}

/** As `loadBundle`, for editors: issues and warnings as values, also when both are there. */
export function checkBundle(source: string | Uint8Array, options: LoadOptions = {}): CheckedBundle {
  const { bundle, issues, root, text } = check(source, options)
  return { bundle, issues, warnings: root === null ? [] : lintDocument(root, text, options) }
}

/**
 * Check a document that is already parsed, as an assembled or stored one is: steps 4 to 10 of contract-language §2.2.
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

interface Check {
  readonly bundle: LoadedBundle | null
  readonly issues: readonly ContractIssue[]
  readonly root: YamlNode | null
  readonly text: string
}

function check(source: string | Uint8Array, options: LoadOptions): Check {
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
  return { bundle: new Bundle(buildDocument(bundle, kind), sha256Hex(bytes), text, options), issues, root, text }
}

function yamlIssue(error: YamlError, text: string): ContractIssue {
  const place = new Places(text).of(error.offset)
  const where = place.line === null ? '' : ` (line ${place.line}, column ${place.column})`
  return issue('yaml_parse', '', place, `YAML parse error: ${error.message}${where}`, error.hint)
}

/** A loaded bundle. Warnings are looked for when somebody asks: agents never do. */
class Bundle implements LoadedBundle {
  readonly document: BundleDocument
  readonly hash: string
  readonly #text: string
  readonly #options: LoadOptions
  #warnings: readonly ContractIssue[] | undefined

  constructor(document: BundleDocument, hash: string, text: string, options: LoadOptions) {
    this.document = document
    this.hash = hash
    this.#text = text
    this.#options = options
  }

  get warnings(): readonly ContractIssue[] {
    this.#warnings ??= lintDocument(parseYaml(this.#text), this.#text, this.#options)
    return this.#warnings
  }
}
