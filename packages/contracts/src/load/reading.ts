import type { Field, ObjectShape } from './shape.ts'
import type { MappingEntry, MappingNode, ScalarNode, YamlNode } from './yaml/nodes.ts'
import { scalarValue } from './yaml/resolve.ts'
import { keyOf } from './yaml/value.ts'

/** The fields of a shape in order, and where each name finds its own. */
export interface Layout {
  readonly names: readonly string[]
  readonly fields: readonly Field[]
  readonly positions: ReadonlyMap<string, number>
  /** Positions by the names that only a `Ruleset` uses. */
  readonly laterPositions: ReadonlyMap<string, number>
}

const layouts = new WeakMap<ObjectShape, Layout>()

/** The fields of a shape in order, and where each name finds its own. Made once per shape. */
export function layoutOf(shape: ObjectShape): Layout {
  const known = layouts.get(shape)
  if (known !== undefined) return known
  const names = Object.keys(shape.fields)
  const fields = Object.values(shape.fields)
  const layout: Layout = {
    names,
    fields,
    positions: new Map(names.map((name, at) => [name, at])),
    laterPositions: new Map(
      fields.flatMap((field, at) => (field.later ?? []).map((name): [string, number] => [name, at])),
    ),
  }
  layouts.set(shape, layout)
  return layout
}

/** The value under a key; of duplicate keys the last. */
export function entryOf(node: MappingNode, name: string): MappingEntry | undefined {
  return node.entries.findLast((entry) => keyOf(entry.key) === name)
}

/** Entries by key; of duplicate keys the last, in the place of the first. */
export function lastOfEach(node: MappingNode): Map<string, MappingEntry> {
  const entries = new Map<string, MappingEntry>()
  for (const entry of node.entries) entries.set(keyOf(entry.key), entry)
  return entries
}

/** The entry of a mapping that has one key; null when it has none or several. */
export function onlyEntry(node: MappingNode): MappingEntry | null {
  const last = node.entries.at(-1)
  if (last === undefined) return null
  if (node.entries.length === 1) return last
  return node.entries.every((entry) => keyOf(entry.key) === keyOf(last.key)) ? last : null
}

export function quoted(names: Iterable<string>): string {
  return Array.from(names, (name) => `'${name}'`).join(', ')
}

export function isLater(root: MappingNode): boolean {
  const kind = entryOf(root, 'kind')?.value
  const word = kind && scalarOf(kind)
  if (word === 'Ruleset' || word === 'ContractBundle') return word === 'Ruleset'
  return entryOf(root, 'rules') !== undefined && entryOf(root, 'contracts') === undefined
}

export function scalarOf(node: YamlNode): unknown {
  if (node.kind !== 'scalar') return undefined
  if (node.value !== undefined) return node.value
  return node.tag === 'str'
    ? node.text
    : node.tag === 'value'
      ? undefined
      : scalarValue(node.tag, node.text, node.start)
}

export function isText(key: YamlNode): key is ScalarNode {
  return key.kind === 'scalar' && key.tag === 'str'
}

export function isNull(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.tag === 'null'
}

/** What a node is, for people. */
export function describe(node: YamlNode): string {
  if (node.kind === 'sequence') return 'a list'
  if (node.kind === 'mapping') return 'a mapping'
  const written = node.text.length > 60 ? `${node.text.slice(0, 57)}...` : node.text
  switch (node.tag) {
    case 'null':
      return 'null'
    case 'bool':
      return `the boolean ${written}`
    case 'int':
    case 'float':
      return `the number ${written}`
    case 'timestamp':
      return `the date ${written}`
    default:
      return JSON.stringify(written)
  }
}
