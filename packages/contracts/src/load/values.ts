import { MAX_YAML_DEPTH } from '../bounds.ts'
import type { MappingEntry, ScalarNode, YamlNode } from './yaml/nodes.ts'
import type { ScalarTag } from './yaml/resolve.ts'
import { YamlError } from './yaml/tokens.ts'

/**
 * Nodes for a value that was never text: own enumerable keys only, arrays, and scalars.
 *
 * @throws {YamlError} on functions, symbols and what is nested too deeply or in a circle
 */
export function nodeOf(value: unknown, depth = 1): YamlNode {
  if (depth > MAX_YAML_DEPTH) throw new YamlError('it is nested too deeply, or contains itself', -1)
  switch (typeof value) {
    case 'string':
      return scalar('str', value, value)
    case 'boolean':
      return scalar('bool', String(value), value)
    case 'number':
    case 'bigint':
      return scalar(typeof value === 'bigint' || Number.isInteger(value) ? 'int' : 'float', String(value), value)
    case 'object': {
      if (value === null) return scalar('null', 'null', undefined)
      if (value instanceof Date) return scalar('timestamp', String(value), value)
      if (Array.isArray(value)) {
        return { kind: 'sequence', items: value.map((item) => nodeOf(item, depth + 1)), start: -1, end: -1 }
      }
      const entries: MappingEntry[] = []
      for (const [key, item] of Object.entries(value)) {
        if (item === undefined) continue
        entries.push({ key: scalar('str', key, key), value: nodeOf(item, depth + 1), merged: false })
      }
      return { kind: 'mapping', entries, start: -1, end: -1 }
    }
    default:
      throw new YamlError(`${typeof value} is not a value of a document`, -1)
  }
}

function scalar(tag: ScalarTag, text: string, value: unknown): ScalarNode {
  return { kind: 'scalar', tag, text, plain: false, start: -1, end: -1, value }
}
