/** A JSON Schema as the document holds it. */
export type Schema = Readonly<Record<string, unknown>>

/**
 * The schema with a description at every field: the field's own, or the chapter's word for it.
 * A field that has a default may always be left out of a request.
 */
export function described(
  schema: Schema,
  fields: Readonly<Record<string, string>>,
  path: readonly string[] = [],
): Schema {
  const inner = (part: unknown, at = path): unknown =>
    typeof part === 'object' && part !== null ? described(part as Schema, fields, at) : part
  const { properties, required, items, additionalProperties, patternProperties, anyOf, ...rest } = schema as {
    properties?: Record<string, Schema>
    required?: string[]
    items?: unknown
    additionalProperties?: unknown
    patternProperties?: Record<string, unknown>
    anyOf?: unknown[]
  }
  const optional = new Set(
    Object.entries(properties ?? {}).flatMap(([name, { default: fallback }]) => (fallback === undefined ? [] : [name])),
  )
  const needed = required?.filter((name) => !optional.has(name))
  return {
    ...rest,
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, part]) => {
              const at = [...path, name]
              const description = ownDescription(part) ?? wordFor(at, fields)
              return [name, { ...(inner(part, at) as Schema), ...(description === undefined ? {} : { description }) }]
            }),
          ),
        }),
    ...(needed && needed.length > 0 ? { required: needed } : {}),
    ...(items === undefined ? {} : { items: inner(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: inner(additionalProperties) }),
    // A record of texts by name: its one pattern allows every name.
    ...(patternProperties === undefined ? {} : { additionalProperties: inner(Object.values(patternProperties)[0]) }),
    ...(anyOf === undefined ? {} : unionOf(anyOf.map((part) => inner(part) as Schema))),
  }
}

/** Literals and null joined as one type read better than as a choice of schemas. */
function unionOf(parts: readonly Schema[]): Schema {
  if (parts.every((part) => part.const !== undefined))
    return { enum: parts.map((part) => part.const), type: parts[0]?.type }
  return {
    anyOf: parts.map((part) => (part.description === undefined || parts.length > 2 ? part : withoutDescription(part))),
  }
}

const withoutDescription = ({ description: _, ...rest }: Schema): Schema => rest

/** A field that may be null carries its description inside. */
function ownDescription(schema: Schema): string | undefined {
  if (typeof schema.description === 'string') return schema.description
  const parts = (schema.anyOf as Schema[] | undefined) ?? []
  return parts.map((part) => part.description).find((text): text is string => typeof text === 'string')
}

/** The longest end of the path that somebody wrote about. */
function wordFor(path: readonly string[], fields: Readonly<Record<string, string>>): string | undefined {
  for (let from = 0; from < path.length; from++) {
    const key = path.slice(from).join('.')
    if (Object.hasOwn(fields, key)) return fields[key]
  }
  return undefined
}
