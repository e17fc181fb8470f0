import { floatText } from '../../messages/text.ts'
import { dateText } from '../../plain/dates.ts'
import { markOtherKeys } from '../../plain/other-keys.ts'
import type { YamlNode } from './nodes.ts'
import { scalarValue } from './resolve.ts'

/**
 * The plain, frozen value a node stands for. Objects have only own keys, `__proto__` among them if the document says so;
 * of duplicate keys the last wins; keys that are no text become text as Python's JSON writes them.
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
      for (const { key, value } of node.entries) setOwn(object, valueKey(key), plainValue(value))
      if (!node.entries.every(({ key }) => isTextKey(key))) markOtherKeys(object)
      return Object.freeze(object)
    }
  }
}

function isTextKey(key: YamlNode): boolean {
  return key.kind === 'scalar' && typeof (key.value ?? scalarValue(key.tag, key.text, key.start)) === 'string'
}

function valueKey(key: YamlNode): string {
  if (key.kind !== 'scalar') return ''
  if (key.tag === 'str') return key.text
  const value = key.value ?? scalarValue(key.tag, key.text, key.start)
  if (value instanceof Date) return dateText(value)
  return key.tag === 'float' ? floatText(Number(value)) : String(value)
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
