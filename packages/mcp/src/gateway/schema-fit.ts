import { isRecord } from './json-text.ts'

/** Words of a schema that a redacted text may break; one of them is enough not to try. */
const NARROWING = [
  'enum',
  'const',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'contentEncoding',
  'contentMediaType',
  'not',
  'oneOf',
  'allOf',
  'if',
  'propertyNames',
]
const MAX_REFERENCES = 50

/**
 * Whether a value whose texts were redacted still is what its schema says. Only texts that the schema leaves free may have
 * changed: everything that would need a closer look is answered with no.
 */
export function staysWithin(schema: unknown, before: unknown, after: unknown): boolean {
  return fits(schema, before, after, schema)
}

function fits(schema: unknown, before: unknown, after: unknown, root: unknown): boolean {
  if (Object.is(before, after)) return true
  const at = resolved(schema, root)
  if (Array.isArray(before) && Array.isArray(after)) {
    if (before.length !== after.length) return false
    return before.every((item, index) => fits(itemSchema(at, index), item, after[index], root))
  }
  if (isRecord(before) && isRecord(after)) {
    const names = Object.keys(before)
    if (names.length !== Object.keys(after).length) return false
    return names.every(
      (name) => Object.hasOwn(after, name) && fits(memberSchema(at, name), before[name], after[name], root),
    )
  }
  return typeof before === 'string' && typeof after === 'string' && isFreeText(at, root)
}

function resolved(schema: unknown, root: unknown): unknown {
  let at = schema
  for (let i = 0; i < MAX_REFERENCES && isRecord(at) && typeof at.$ref === 'string'; i++) at = pointed(root, at.$ref)
  return at
}

function pointed(root: unknown, reference: string): unknown {
  if (!reference.startsWith('#/')) return undefined
  let at = root
  for (const part of reference.slice(2).split('/')) {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (!isRecord(at) || !Object.hasOwn(at, name)) return undefined
    at = at[name]
  }
  return at
}

/** `undefined` is a schema that was not found: nothing fits it. */
function memberSchema(schema: unknown, name: string): unknown {
  if (schema === true) return true
  if (!isRecord(schema) || isNarrowed(schema)) return undefined
  const { properties, patternProperties, additionalProperties } = schema
  if (isRecord(properties) && Object.hasOwn(properties, name)) return properties[name]
  if (patternProperties !== undefined) return undefined
  return additionalProperties ?? true
}

function itemSchema(schema: unknown, index: number): unknown {
  if (schema === true) return true
  if (!isRecord(schema) || isNarrowed(schema) || schema.uniqueItems === true || schema.contains !== undefined)
    return undefined
  if (Array.isArray(schema.prefixItems) && index < schema.prefixItems.length) return schema.prefixItems[index]
  return schema.items ?? true
}

function isFreeText(schema: unknown, root: unknown): boolean {
  if (schema === true) return true
  if (!isRecord(schema)) return false
  if (Array.isArray(schema.anyOf)) {
    const { anyOf, ...rest } = schema
    return !isNarrowed(rest) && anyOf.some((one) => isFreeText(resolved(one, root), root))
  }
  if (isNarrowed(schema)) return false
  return schema.type === undefined || [schema.type].flat().includes('string')
}

function isNarrowed(schema: Record<string, unknown>): boolean {
  return NARROWING.some((word) => Object.hasOwn(schema, word))
}
