import Type, { type TSchema } from 'typebox'

/** A value that may be null; the field itself is always there. */
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** A field that may be absent or null. */
export const Maybe = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))

export const Instant = Type.String({ description: 'ISO 8601, UTC', examples: ['2026-03-01T12:00:00Z'] })

export const Id = Type.String({ description: 'Id: a UUID, given by the server.' })
export const TenantId = Type.String({ description: 'Id of the tenant it belongs to.' })
export const CreatedBy = Type.String({ description: 'E-mail address of who made it.' })

/** A UUID in any form that `format: 'uuid'` lets through, as it is stored. */
export const canonicalUuid = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll('-', '')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/** `{"detail": …}` as every failure of the console API reads. */
export const ErrorBody = Type.Object(
  {
    detail: Type.Union(
      [
        Type.String(),
        Type.Array(
          Type.Object(
            {
              loc: Type.Array(Type.Union([Type.String(), Type.Integer()]), {
                description:
                  'Where: `body`, `query`, `path` or `header`, then the way to the field; positions in lists count from 0.',
              }),
              msg: Type.String({ description: 'What is wrong there, in a sentence.' }),
            },
            { additionalProperties: true },
          ),
        ),
      ],
      { description: 'What is wrong: a text, or one object for each problem.' },
    ),
  },
  { description: 'What is wrong, and where.' },
)

/** The failures a route may answer with, for its `response` schema. */
export function failures<S extends number>(...statuses: S[]): Record<S, typeof ErrorBody> {
  return Object.fromEntries(statuses.map((status) => [status, ErrorBody])) as Record<S, typeof ErrorBody>
}

/** `{"error", "message"}` as failures of the runtime API read. */
export const RuntimeErrorBody = Type.Object(
  {
    error: Type.String({ description: 'Stable code of the kind of failure, or its sentence.' }),
    message: Type.String({ description: 'What happened, in a sentence.' }),
  },
  { additionalProperties: true },
)

export function runtimeFailures<S extends number>(...statuses: S[]): Record<S, typeof RuntimeErrorBody> {
  return Object.fromEntries(statuses.map((status) => [status, RuntimeErrorBody])) as Record<S, typeof RuntimeErrorBody>
}
