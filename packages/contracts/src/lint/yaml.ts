import type { PathPart } from '../load/issues.ts'
import type { MappingNode, ScalarNode, YamlNode } from '../load/yaml/nodes.ts'
import { resolvePlain, scalarValue } from '../load/yaml/resolve.ts'
import { keyOf } from '../load/yaml/value.ts'
import type { Report } from './report.ts'

/** Where the text may be read otherwise than its author thinks: duplicate keys, and words of YAML 1.1. */
export function lintYaml(node: YamlNode, report: Report, path: PathPart[] = [], seen = new Set<YamlNode>()): void {
  if (node.kind === 'scalar') {
    reportDialect(node, report, path)
    reportRounded(node, report, path)
    return
  }
  if (seen.has(node)) return
  seen.add(node)
  if (node.kind === 'sequence') {
    for (const [index, item] of node.items.entries()) lintYaml(item, report, [...path, index], seen)
    return
  }
  reportDuplicates(node, report, path)
  for (const key of node.merges ?? []) {
    report(
      'yaml_dialect',
      [...path, '<<'],
      key,
      "'<<' merges a mapping here, but is an ordinary key in YAML 1.2",
      'write the fields out',
    )
  }
  for (const { key, value, merged } of node.entries) {
    if (merged) continue
    const inner = [...path, keyOf(key)]
    if (key.kind === 'scalar') reportDialect(key, report, inner)
    lintYaml(value, report, inner, seen)
  }
}

function reportDuplicates(node: MappingNode, report: Report, path: readonly PathPart[]): void {
  const seen = new Set<string>()
  for (const { key, merged } of node.entries) {
    if (merged) continue
    const name = keyOf(key)
    if (seen.has(name)) {
      report(
        'duplicate_key',
        [...path, name],
        key,
        `The key '${name}' is given twice; the last one counts`,
        'remove or rename one of them',
      )
    }
    seen.add(name)
  }
}

/**
 * Integers that JSON, as JavaScript and most agents read it, cannot carry: the number in a call is another one, and so are its
 * neighbours.
 */
function reportRounded(node: ScalarNode, report: Report, path: readonly PathPart[]): void {
  if (node.tag !== 'int' && node.tag !== 'float') return
  const value = scalarValue(node.tag, node.text, node.start)
  if (typeof value !== 'number' && typeof value !== 'bigint') return
  const carried = Number(value)
  if (!Number.isInteger(carried) || Math.abs(carried) < 2 ** 53) return
  report(
    'rounded_number',
    path,
    node,
    `${node.text} is beyond 2^53: a call carries it as ${BigInt(carried)}, and the numbers beside it too`,
    'where every digit counts, let the tool take text, and write it in quotes',
  )
}

const CORE_INT = /^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$/
const CORE_FLOAT =
  /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/

function reportDialect(node: ScalarNode, report: Report, path: readonly PathPart[]): void {
  if (!node.plain || node.start < 0 || node.text === '') return
  const here = wordsOf(resolvePlain(node.text), node.text, node.start)
  const there = coreWords(node.text)
  if (here === there) return
  const message = `'${node.text}' is ${here} here, but ${there} in YAML 1.2`
  report('yaml_dialect', path, node, message, `write it in quotes if it is text`)
}

function wordsOf(tag: ReturnType<typeof resolvePlain>, text: string, offset: number): string {
  switch (tag) {
    case 'str':
    case 'merge':
    case 'value':
      return 'text'
    case 'null':
      return 'null'
    case 'bool':
      return `the boolean ${scalarValue(tag, text, offset)}`
    case 'timestamp':
      return 'a date'
    default:
      return `the number ${scalarValue(tag, text, offset)}`
  }
}

function coreWords(text: string): string {
  if (/^(?:~|null|Null|NULL)$/.test(text)) return 'null'
  if (/^(?:true|True|TRUE|false|False|FALSE)$/.test(text)) return `the boolean ${text.toLowerCase()}`
  if (CORE_INT.test(text)) {
    const value = /^0[ox]/.test(text) ? BigInt(text) : BigInt(text.replace(/^\+/, ''))
    return `the number ${value}`
  }
  if (!CORE_FLOAT.test(text)) return 'text'
  const word = text.toLowerCase()
  if (word.endsWith('.inf')) return `the number ${word.startsWith('-') ? '-' : ''}Infinity`
  return `the number ${word === '.nan' ? 'NaN' : Number(text)}`
}
