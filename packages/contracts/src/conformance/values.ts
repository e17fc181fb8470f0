import { parseYaml } from '../load/yaml/compose.ts'
import type { YamlNode } from '../load/yaml/nodes.ts'
import { scalarValue } from '../load/yaml/resolve.ts'

export type Mapping = Readonly<Record<string, unknown>>

/** A fixture file as plain values; `__proto__` and `constructor` are ordinary keys. Throws on broken YAML. */
export function parseFixtures(text: string): unknown {
  return plain(parseYaml(text))
}

function plain(node: YamlNode): unknown {
  switch (node.kind) {
    case 'scalar':
      return 'value' in node ? node.value : scalarValue(node.tag, node.text, node.start)
    case 'sequence':
      return node.items.map(plain)
    case 'mapping': {
      const mapping: Record<string, unknown> = {}
      for (const { key, value, merged } of node.entries) {
        const name = String(plain(key))
        if (merged && Object.hasOwn(mapping, name)) continue
        Object.defineProperty(mapping, name, {
          value: plain(value),
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

/** A mapping, or an empty one in its place. */
export function asMapping(value: unknown): Mapping {
  return isMapping(value) ? value : {}
}

export function asText(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

export function asNumber(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback
}

/** The first of the mapping's keys that is not known, or null. */
export function unknownKey(mapping: Mapping, known: readonly string[]): string | null {
  return Object.keys(mapping).find((key) => !known.includes(key)) ?? null
}
