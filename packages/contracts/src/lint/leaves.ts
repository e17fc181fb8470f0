import type { PathPart } from '../load/issues.ts'
import type { MappingNode, YamlNode } from '../load/yaml/nodes.ts'
import { keyOf } from '../load/yaml/value.ts'

export interface Leaf {
  readonly selector: string
  readonly operator: string
  readonly key: YamlNode
  readonly argument: YamlNode
  readonly path: readonly PathPart[]
}

/** The value under a key, of duplicates the last; undefined when there is none. */
export function childOf(node: YamlNode | undefined, ...names: string[]): YamlNode | undefined {
  if (node?.kind !== 'mapping') return undefined
  return node.entries.findLast((entry) => names.includes(keyOf(entry.key)))?.value
}

/** The leaves of a valid `when`, with their places. */
export function leavesOf(when: YamlNode, path: readonly PathPart[]): Leaf[] {
  const entry = (when as MappingNode).entries.at(-1)
  if (entry === undefined) return []
  const word = keyOf(entry.key)
  const inner = [...path, word]
  if ((word === 'all' || word === 'any') && entry.value.kind === 'sequence') {
    return entry.value.items.flatMap((item, index) => leavesOf(item, [...inner, index]))
  }
  if (word === 'not') return leavesOf(entry.value, inner)
  const test = (entry.value as MappingNode).entries.at(-1)
  if (test === undefined) return []
  const operator = keyOf(test.key)
  return [{ selector: word, operator, key: entry.key, argument: test.value, path: [...inner, operator] }]
}
