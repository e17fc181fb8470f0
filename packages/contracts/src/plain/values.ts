import type { YamlNode } from '../load/yaml/nodes.ts'
import { scalarValue } from '../load/yaml/resolve.ts'
import { dateText } from './dates.ts'

/** A mapping of plain data. */
export type Mapping = Readonly<Record<string, unknown>>

/** A YAML document as plain values; `__proto__` and `constructor` are ordinary keys. */
export function plainValue(node: YamlNode): unknown {
  switch (node.kind) {
    case 'scalar':
      return 'value' in node ? node.value : scalarValue(node.tag, node.text, node.start)
    case 'sequence':
      return node.items.map(plainValue)
    case 'mapping': {
      const mapping: Record<string, unknown> = {}
      for (const { key, value, merged } of node.entries) {
        const name = keyText(plainValue(key))
        if (merged && Object.hasOwn(mapping, name)) continue
        Object.defineProperty(mapping, name, {
          value: plainValue(value),
          enumerable: true,
          configurable: true,
          writable: true,
        })
      }
      return mapping
    }
  }
}

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A key as JSON writes it; a date, which JSON has not, as Python's `str` does. */
function keyText(key: unknown): string {
  return key instanceof Date ? dateText(key) : String(key)
}
