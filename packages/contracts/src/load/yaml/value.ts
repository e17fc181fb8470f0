import type { YamlNode } from './nodes.ts'
import { scalarValue } from './resolve.ts'

/**
 * The plain, frozen value a node stands for. Objects have only own keys, `__proto__` among them if the document says so;
 * of duplicate keys the last wins; keys that are no text become the text they were written as.
 */
export function plainValue(node: YamlNode): unknown {
  switch (node.kind) {
    case 'scalar':
      if (node.value !== undefined) return node.value
      return Object.freeze(scalarValue(node.tag, node.text, node.start))
    case 'sequence':
      return Object.freeze(node.items.map(plainValue))
    case 'mapping': {
      const object: Record<string, unknown> = {}
      for (const { key, value } of node.entries) setOwn(object, keyOf(key), plainValue(value))
      return Object.freeze(object)
    }
  }
}

export function keyOf(key: YamlNode): string {
  return key.kind === 'scalar' ? key.text : ''
}

/** Set an own property, whatever its name. */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  } else object[key] = value
}
