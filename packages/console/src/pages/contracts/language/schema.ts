import type { JsonSchema } from '@lictor/contracts/authoring'
import { ITEM, type Place, type Step } from './place.ts'

/** What may stand at a place: several schemas where it is not yet said which of them is meant. */
export type Allowed = readonly JsonSchema[]

const record = (value: unknown): JsonSchema | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonSchema) : null

/** The schemas of what stands at the end of `place.path`. */
export function allowedAt(root: JsonSchema, { path, beside }: Pick<Place, 'path' | 'beside'>): Allowed {
  let now = expanded(root, root, beside[0] ?? new Map())
  for (const [depth, step] of path.entries()) {
    const next = now.flatMap((schema) => {
      const inner = stepInto(schema, step)
      return inner ? [inner] : []
    })
    now = next.flatMap((schema) => expanded(root, schema, beside[depth + 1] ?? new Map()))
  }
  return now
}

function stepInto(schema: JsonSchema, step: Step): JsonSchema | null {
  if (step === ITEM) return record(schema.items)
  return record(record(schema.properties)?.[step]) ?? record(schema.additionalProperties)
}

/** A schema with its references followed, and the branches that what is written already leaves. */
function expanded(root: JsonSchema, schema: JsonSchema, values: ReadonlyMap<string, string>): JsonSchema[] {
  const found: JsonSchema[] = [schema]
  const more = (one: unknown) => {
    const branch = record(one)
    if (branch && (branch.$ref !== undefined || branch.properties !== undefined || branch.if !== undefined))
      found.push(...expanded(root, branch, values))
  }
  if (typeof schema.$ref === 'string') more(referred(root, schema.$ref))
  if (Array.isArray(schema.allOf)) for (const one of schema.allOf) more(one)
  if (schema.if !== undefined) for (const one of branches(schema, values)) more(one)
  return found
}

const referred = (root: JsonSchema, reference: string): unknown =>
  reference
    .split('/')
    .slice(1)
    .reduce<unknown>((inner, name) => record(inner)?.[name], root)

/** A condition of the language's schema compares one field with one word. */
function branches(schema: JsonSchema, values: ReadonlyMap<string, string>): readonly unknown[] {
  const [field, asked] = Object.entries(record(record(schema.if)?.properties) ?? {})[0] ?? []
  const word = record(asked)?.const
  if (field === undefined || typeof word !== 'string') return []
  const written = values.get(field)
  if (written === word) return [schema.then]
  // While the field is missing, a choice of many is any of them, and a choice of two is the usual one.
  if (written === undefined || written === '') return [schema.else ?? schema.then]
  return schema.else === undefined ? [] : [schema.else]
}

/** The keys that may stand in a mapping, with the schemas of their values. */
export function keysOf(allowed: Allowed): ReadonlyMap<string, readonly JsonSchema[]> {
  const keys = new Map<string, JsonSchema[]>()
  for (const schema of allowed)
    for (const [name, value] of Object.entries(record(schema.properties) ?? {})) {
      const one = record(value)
      if (one) keys.set(name, [...(keys.get(name) ?? []), one])
    }
  return keys
}

export const describedBy = (root: JsonSchema, schemas: readonly JsonSchema[]): string | null => {
  for (const schema of schemas) {
    if (typeof schema.description === 'string') return schema.description
    const target = typeof schema.$ref === 'string' ? record(referred(root, schema.$ref)) : null
    if (typeof target?.description === 'string') return target.description
  }
  return null
}

/** The words of which one must be written. */
export const wordsOf = (allowed: Allowed): readonly string[] => [
  ...new Set(
    allowed.flatMap((schema) =>
      schema.type === 'boolean'
        ? ['true', 'false']
        : Array.isArray(schema.enum)
          ? (schema.enum as unknown[]).filter((one): one is string => typeof one === 'string')
          : [],
    ),
  ),
]

export const isRequired = (allowed: Allowed, name: string): boolean =>
  allowed.some(({ required }) => Array.isArray(required) && required.includes(name))

/** A mapping that holds one entry and no more. */
export const isSingle = (allowed: Allowed): boolean => allowed.some(({ maxProperties }) => maxProperties === 1)

/** Whether what stands here is a condition. */
export const isCondition = (root: JsonSchema, allowed: Allowed): boolean =>
  allowed.includes(referred(root, '#/$defs/expression') as JsonSchema)

/** What follows a key: a mapping, a list, or a plain value. */
export function formOf(root: JsonSchema, schemas: readonly JsonSchema[]): 'mapping' | 'list' | 'plain' {
  const all = schemas.flatMap((schema) => expanded(root, schema, new Map()))
  if (all.some(({ type }) => type === 'object')) return 'mapping'
  return all.some(({ type }) => type === 'array') ? 'list' : 'plain'
}
