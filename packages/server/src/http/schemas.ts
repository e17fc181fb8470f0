import Type, { type TSchema } from 'typebox'

/** A value that may be null; the field itself is always there. */
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** A field that may be absent or null. */
export const Maybe = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))

export const Instant = Type.String({ description: 'ISO 8601, UTC', examples: ['2026-03-01T12:00:00Z'] })

/** A UUID in any form that `format: 'uuid'` lets through, as it is stored (console-api §1.1). */
export const canonicalUuid = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll('-', '')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/** `{"detail": …}` as every failure of the console API reads (console-api §1.2). */
export const ErrorBody = Type.Object(
  {
    detail: Type.Union([
      Type.String(),
      Type.Array(
        Type.Object(
          { loc: Type.Array(Type.Union([Type.String(), Type.Integer()])), msg: Type.String() },
          { additionalProperties: true },
        ),
      ),
    ]),
  },
  { description: 'What is wrong, and where.' },
)

/** The failures a route may answer with, for its `response` schema. */
export function failures<S extends number>(...statuses: S[]): Record<S, typeof ErrorBody> {
  return Object.fromEntries(statuses.map((status) => [status, ErrorBody])) as Record<S, typeof ErrorBody>
}

/** `{"error", "message"}` as failures of the runtime API read (aegis-api §3.2). */
export const RuntimeErrorBody = Type.Object(
  { error: Type.String(), message: Type.String() },
  { additionalProperties: true },
)

export function runtimeFailures<S extends number>(...statuses: S[]): Record<S, typeof RuntimeErrorBody> {
  return Object.fromEntries(statuses.map((status) => [status, RuntimeErrorBody])) as Record<S, typeof RuntimeErrorBody>
}
