import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'

type BuildSerializer = ReturnType<typeof SerializerSelector>

/**
 * Responses are written by each route's JSON Schema. Its serialiser is compiled at the first answer: a start compiles none of the
 * hundreds that most processes never need.
 */
export function lazySerialisation(): BuildSerializer {
  const build = SerializerSelector()
  return (externalSchemas, options) => {
    const compile = build(externalSchemas, options)
    return (route) => {
      let serialise: ReturnType<typeof compile> | undefined
      return (data: unknown) => {
        serialise ??= compile(route)
        return serialise(data)
      }
    }
  }
}
