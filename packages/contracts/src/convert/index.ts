import type { BundleDocument } from '../document.ts'
import { configError } from '../errors.ts'
import { loadBundle } from '../load/index.ts'
import { EFFECT_WORDS } from '../load/table.ts'
import type { MappingNode, YamlNode } from '../load/yaml/nodes.ts'
import { parseYaml } from '../load/yaml/parse.ts'
import { keyOf } from '../load/yaml/value.ts'

export type DocumentKind = BundleDocument['kind']

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Words of a field's name or value, from those of a `ContractBundle` to those of a `Ruleset`. */
type Words = Readonly<Record<string, string>>

const KIND_WORDS: Words = { ContractBundle: 'Ruleset' }
const TIMEOUT_WORDS: Words = { deny: 'block' }

/**
 * The same bundle in the other vocabulary: only the words that differ are exchanged, so comments, order, quotes and blanks
 * stay. A document that is of that kind already comes back unchanged. The bytes change, and with them hash and signature:
 * what comes out is a new version.
 *
 * @throws {EdictumConfigError} when the text does not load, or shares a word by an anchor with a place that must keep it
 */
export function convertDocument(text: string, to: DocumentKind): string {
  const before = loadBundle(text, { compileChecks: false }).document
  if (before.kind === to) return text
  const edits = new Map<number, Edit>()
  const root = parseYaml(text)
  const exchange = (node: YamlNode | undefined, words: Words): void => {
    if (node?.kind !== 'scalar') return
    const word = to === 'Ruleset' ? words[node.text] : Object.keys(words).find((each) => words[each] === node.text)
    if (word === undefined) return
    const quote = /^['"]/.exec(text.slice(node.start, node.start + 1))?.[0] ?? ''
    edits.set(node.start, { start: node.start, end: node.end, text: quote + word + quote })
  }
  exchange(valueAt(root, 'kind'), KIND_WORDS)
  eachEntry(root, (key, value) => {
    const isList = keyOf(key) === 'contracts' || keyOf(key) === 'rules'
    if (!isList || value.kind !== 'sequence') return
    exchange(key, { contracts: 'rules' })
    for (const contract of value.items) convertContract(contract, exchange)
  })
  const converted = applyEdits(text, [...edits.values()])
  const after = loadBundle(converted, { compileChecks: false }).document
  if (meaningOf(after) !== meaningOf(before) || after.kind !== to) {
    throw configError(
      'cannot_convert',
      'The document cannot be converted: an anchor shares a word between places that must differ',
      'write the anchored part out at each place',
    )
  }
  return converted
}

function convertContract(contract: YamlNode, exchange: (node: YamlNode | undefined, words: Words) => void): void {
  const convertTimeout = (key: YamlNode, value: YamlNode): void => {
    // Published readers of rulesets refuse the older name.
    exchange(key, { timeout_effect: 'timeout_action' })
    exchange(value, TIMEOUT_WORDS)
  }
  eachEntry(contract, (key, value) => {
    switch (keyOf(key)) {
      case 'outside':
        exchange(value, EFFECT_WORDS)
        return
      case 'timeout_effect':
      case 'timeout_action':
        convertTimeout(key, value)
        return
      case 'then':
        eachEntry(value, (inner, word) => {
          const name = keyOf(inner)
          if (name === 'effect' || name === 'action') {
            exchange(inner, { effect: 'action' })
            exchange(word, EFFECT_WORDS)
          } else if (name === 'timeout_effect' || name === 'timeout_action') convertTimeout(inner, word)
        })
    }
  })
}

function eachEntry(node: YamlNode, visit: (key: YamlNode, value: YamlNode) => void): void {
  if (node.kind === 'mapping') for (const { key, value } of node.entries) visit(key, value)
}

function valueAt(root: YamlNode, name: string): YamlNode | undefined {
  return (root as MappingNode).entries.findLast(({ key }) => keyOf(key) === name)?.value
}

function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = ''
  let at = 0
  for (const edit of [...edits].sort((a, b) => a.start - b.start)) {
    result += text.slice(at, edit.start) + edit.text
    at = edit.end
  }
  return result + text.slice(at)
}

function meaningOf(document: BundleDocument): string {
  return JSON.stringify({ ...document, kind: '' }, (_, value: unknown) => {
    if (value instanceof Map) return [...value]
    return typeof value === 'bigint' ? `${value}n` : value
  })
}
