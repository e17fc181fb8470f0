import { configError } from '../errors.ts'
import { loadBundle } from '../load/index.ts'
import { EFFECT_WORDS } from '../load/table.ts'
import type { ScalarNode, YamlNode } from '../load/yaml/nodes.ts'
import { parseYaml } from '../load/yaml/parse.ts'
import { scalarValue } from '../load/yaml/resolve.ts'
import { keyOf } from '../load/yaml/value.ts'
import { floatText } from '../messages/text.ts'

/** A word of a `Ruleset` that only some published readers take. */
export interface LaxWord {
  /** For example `rules[2].outside`. */
  readonly path: string
  /** UTF-16 position in the text. */
  readonly offset: number
  readonly found: string
  /** What every reader takes. */
  readonly expected: string
}

const KIND = { ContractBundle: 'Ruleset' }
const LIST = { contracts: 'rules' }
const EFFECT = { effect: 'action' }
const TIMEOUT = { timeout_effect: 'timeout_action' }
const TIMEOUT_VALUE = { deny: 'block' }

type Words = Readonly<Record<string, string>>
/** Told of each word that the strict form spells otherwise. */
type OnWord = (word: LaxWord) => void

/**
 * The same bundle as agents that read only rulesets are given it: kind `Ruleset`, in the words every published reader takes.
 *
 * What is such a document already comes back as it is. Any other is read once under the rules of YAML 1.1 (merge keys worked
 * in, the last of duplicate keys), its words exchanged, and written as JSON, which YAML readers of any version understand alike;
 * numbers, dates and what JSON has no form for are written so that YAML 1.1 and 1.2 agree. The output for a text never changes,
 * because its hash is what agents report.
 *
 * @throws {EdictumConfigError} when the text does not load
 */
export function offerRuleset(text: string): string {
  const { document } = loadBundle(text, { compileChecks: false })
  const words: LaxWord[] = []
  const strict = strictly(parseYaml(text), (word) => words.push(word))
  if (document.kind === 'Ruleset' && words.length === 0) return text
  const offered = `${write(strict)}\n`
  const after = loadBundle(offered, { compileChecks: false }).document
  if (after.kind !== 'Ruleset' || laxWords(offered).length > 0)
    throw configError('cannot_convert', 'The document cannot be written as a Ruleset', 'write it as kind Ruleset')
  return offered
}

/** The words of a document of kind `Ruleset` that some published readers refuse. Empty for any other document. */
export function laxWords(text: string): readonly LaxWord[] {
  const root = parseYaml(text)
  const found: LaxWord[] = []
  if (wordOf(valueAt(root, 'kind')) === 'Ruleset') strictly(root, (word) => found.push(word))
  return found
}

/** The tree with the words exchanged where they stand: what an anchor shares with another place stays there as it is. */
function strictly(root: YamlNode, onWord: OnWord): YamlNode {
  return withEntries(root, '', (name, key, value) => {
    if (name === 'kind') return [key, exchanged(value, KIND, 'kind', onWord)]
    if ((name !== 'contracts' && name !== 'rules') || value.kind !== 'sequence') return [key, value]
    const items = value.items.map((contract, index) => ofContract(contract, `${name}[${index}]`, onWord))
    return [exchanged(key, LIST, name, onWord), { ...value, items }]
  })
}

function ofContract(contract: YamlNode, path: string, onWord: OnWord): YamlNode {
  return withEntries(contract, path, (name, key, value, at) => {
    if (name === 'outside') return [key, exchanged(value, EFFECT_WORDS, at, onWord)]
    if (name !== 'then') return ofTimeout(name, key, value, at, onWord)
    const then = withEntries(value, at, (field, inner, word, within) =>
      field === 'effect' || field === 'action'
        ? [exchanged(inner, EFFECT, within, onWord), exchanged(word, EFFECT_WORDS, within, onWord)]
        : ofTimeout(field, inner, word, within, onWord),
    )
    return [key, then]
  })
}

function ofTimeout(name: string, key: YamlNode, value: YamlNode, path: string, onWord: OnWord): [YamlNode, YamlNode] {
  if (name !== 'timeout_effect' && name !== 'timeout_action') return [key, value]
  return [exchanged(key, TIMEOUT, path, onWord), exchanged(value, TIMEOUT_VALUE, path, onWord)]
}

function exchanged(node: YamlNode, words: Words, path: string, onWord: OnWord): YamlNode {
  if (node.kind !== 'scalar' || !Object.hasOwn(words, node.text)) return node
  const expected = words[node.text] as string
  onWord({ path, offset: node.start, found: node.text, expected })
  return { ...node, tag: 'str', text: expected, plain: false }
}

function withEntries(
  node: YamlNode,
  path: string,
  change: (name: string, key: YamlNode, value: YamlNode, at: string) => [YamlNode, YamlNode],
): YamlNode {
  if (node.kind !== 'mapping') return node
  const entries = node.entries.map((entry) => {
    const name = keyOf(entry.key)
    const [key, value] = change(name, entry.key, entry.value, path === '' ? name : `${path}.${name}`)
    return { ...entry, key, value }
  })
  return { ...node, entries }
}

function wordOf(node: YamlNode | undefined): string | undefined {
  return node?.kind === 'scalar' ? node.text : undefined
}

function valueAt(root: YamlNode, name: string): YamlNode | undefined {
  return root.kind === 'mapping' ? root.entries.findLast(({ key }) => keyOf(key) === name)?.value : undefined
}

function write(node: YamlNode): string {
  switch (node.kind) {
    case 'scalar':
      return scalar(node)
    case 'sequence':
      return `[${node.items.map((item) => write(item)).join(', ')}]`
    case 'mapping': {
      // A key that stands twice counts with its last value, at its first place.
      const entries = new Map<string, string>()
      for (const { key, value } of node.entries) entries.set(write(key), write(value))
      return `{${[...entries].map(([key, value]) => `${key}: ${value}`).join(', ')}}`
    }
  }
}

function scalar(node: ScalarNode): string {
  if (node.tag === 'str' || node.tag === 'merge') return quoted(node.text)
  // A date keeps its spelling: read as text it would be another value.
  if (node.tag === 'timestamp') return node.plain ? node.text : `!!timestamp ${quoted(node.text)}`
  const value = node.value ?? scalarValue(node.tag, node.text, node.start)
  if (node.tag === 'float') return float(Number(value))
  return String(value)
}

/** With a point, and with a sign in the exponent: else readers of YAML 1.1 take it for text or for an integer. */
function float(value: number): string {
  if (Number.isNaN(value)) return '.nan'
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf'
  const text = Number.isInteger(value) ? floatText(value) : String(value)
  const [digits = '', exponent] = text.split('e')
  const pointed = digits.includes('.') ? digits : `${digits}.0`
  return exponent === undefined ? pointed : `${pointed}e${/^[-+]/.test(exponent) ? exponent : `+${exponent}`}`
}

/** What YAML 1.1 takes for the end of a line, and what its readers refuse unescaped. */
const UNPRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g

function quoted(text: string): string {
  return JSON.stringify(text).replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
