import { readFileSync } from 'node:fs'
import { openApiFile } from '../scripts/openapi.ts'
import type { TestServer } from './harness.ts'
import { serviceHeaders } from './runtime.ts'

export type Schema = Readonly<Record<string, unknown>>

/** One operation of the OpenAPI document that is checked in, with what is needed to call it. */
export interface Operation {
  readonly method: string
  /** With `{name}` for its parameters. */
  readonly path: string
  readonly name: string
  /** Which credentials it takes; empty takes none. */
  readonly credentials: readonly ('session' | 'apiKey' | 'accessToken')[]
  readonly parameters: readonly { name: string; in: string; schema: Schema; example?: unknown }[]
  /** Null where there is none, or none in JSON. */
  readonly body: { readonly schema: Schema; readonly example: unknown } | null
}

interface Media {
  readonly schema: Schema
  readonly example?: unknown
}
interface Written {
  readonly security?: readonly Record<string, unknown>[]
  readonly parameters?: Operation['parameters']
  readonly requestBody?: { readonly content: Record<string, Media> }
}
const document = JSON.parse(readFileSync(openApiFile, 'utf8')) as {
  paths: Record<string, Record<string, Written>>
  components: { schemas: Record<string, Schema> }
}

export const operations: readonly Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { security = [], parameters = [], requestBody }]) => {
    const media = requestBody?.content['application/json']
    return {
      method: method.toUpperCase(),
      path,
      name: `${method.toUpperCase()} ${path}`,
      credentials: security.flatMap((one) => Object.keys(one)) as Operation['credentials'],
      parameters,
      body: media && typeof media.example !== 'string' ? { schema: media.schema, example: media.example } : null,
    }
  }),
)

/** A schema without references; of alternatives the one that is not null. */
export function plain(schema: Schema): Schema {
  if (typeof schema.$ref === 'string')
    return plain(document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {})
  const alternatives = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined
  const solid = alternatives?.map(plain).find(({ type }) => type !== 'null')
  return solid ? { ...schema, ...solid } : schema
}

/** Headers of one caller for each kind of credentials. */
export async function everyCaller(t: TestServer): Promise<Record<string, Record<string, string>>> {
  return { session: await t.admin(), apiKey: await t.agent(), accessToken: await serviceHeaders(t) }
}

/** Its address with these path parameters in place of the documented examples. */
export function addressOf(operation: Operation, values: Readonly<Record<string, string>> = {}): string {
  const address = operation.path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => {
    const documented = operation.parameters.find((one) => one.in === 'path' && one.name === name)?.example
    return encodeURIComponent(values[name] ?? String(documented ?? 'x'))
  })
  const query = new URLSearchParams(
    operation.parameters.flatMap(({ in: place, name, example }): [string, string][] => {
      const value = values[name] ?? (example === undefined ? undefined : String(example))
      return place === 'query' && value !== undefined ? [[name, value]] : []
    }),
  )
  return query.size === 0 ? address : `${address}?${query}`
}
