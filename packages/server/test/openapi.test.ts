import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormatsModule from 'ajv-formats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApiFile, openApiText } from '../scripts/openapi.ts'
import { chapters } from '../scripts/reference/chapters.ts'
import { pathOf } from '../scripts/reference/document.ts'
import { impliedFailures } from '../scripts/reference/errors.ts'
import { examples } from '../scripts/reference/examples.ts'
import { dashboardTypes } from '../src/changes/stream-log.ts'
import { LONGEST_AGENT_ID } from '../src/governance/fleet/registrations.ts'
import type { DeclaredRoute } from '../src/http/server.ts'
import { startTestServer, type TestServer } from './harness.ts'

interface Media {
  readonly schema: Schema
  readonly example?: unknown
}
interface Operation {
  readonly summary?: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly operationId?: string
  readonly security?: readonly object[]
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required: boolean
    readonly description?: string
    readonly schema: Schema
    readonly example?: unknown
  }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<
    Record<string, { readonly description?: string; readonly content?: Readonly<Record<string, Media>> }>
  >
}
type Schema = Readonly<Record<string, unknown>>

const text = readFileSync(openApiFile, 'utf8')
const document = JSON.parse(text) as {
  readonly tags: readonly { readonly name: string; readonly description?: string }[]
  readonly servers: readonly object[]
  readonly components: {
    readonly securitySchemes: Readonly<Record<string, { readonly description?: string }>>
    readonly schemas: Readonly<Record<string, Schema>>
  }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
)
const isJson = (type: string) => type === 'application/json'

/** Whose successful answer may have no body. */
const mayBeEmpty = ['POST /api/v1/slack/interactions']

/** Fields without a description, by their way from the schema. */
function undescribed(schema: unknown, path = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const { properties = {}, items, additionalProperties, anyOf = [] } = schema as Record<string, Schema> & { anyOf?: [] }
  return [
    ...Object.entries(properties).flatMap(([name, part]) => [
      ...((part as Schema).description ? [] : [`${path}.${name}`]),
      ...undescribed(part, `${path}.${name}`),
    ]),
    ...[items, additionalProperties, ...anyOf].flatMap((part) => undescribed(part, path)),
  ]
}

it('the OpenAPI document that is checked in is the one of the routes: `npm run api -w @lictor/console` writes it anew', async () => {
  expect(text === (await openApiText())).toBe(true)
})

describe('the server', () => {
  let t: TestServer
  let routes: DeclaredRoute[]
  beforeAll(async () => {
    t = await startTestServer()
    await t.server.http.ready()
    routes = t.server.http.declaredRoutes.filter(({ schema, method }) => !schema.hide && method !== 'HEAD')
  })
  afterAll(() => t.close())

  it('shows the document that is checked in', async () => {
    const answer = await t.request({ method: 'GET', url: '/openapi.json' })
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(answer.body === text).toBe(true)
  })

  it('has each of its operations in the reference, and the reference no other', () => {
    const declared = new Set(routes.map(({ method, url }) => `${method} ${url}`))
    const written = chapters.flatMap((chapter) => Object.keys(chapter.operations))
    expect(written.filter((name) => !declared.has(name))).toEqual([])
    expect([...declared].filter((name) => !written.includes(name))).toEqual([])
    const names = new Set(routes.map(({ method, url }) => `${method} ${pathOf(url)}`))
    expect(Object.keys(examples).filter((name) => !names.has(name))).toEqual([])
  })

  it('lists at each operation the errors that its access and its input imply', () => {
    const missing = routes.flatMap((route) => {
      const listed = document.paths[pathOf(route.url)]?.[route.method.toLowerCase()]?.responses ?? {}
      return impliedFailures(route)
        .filter((status) => !(status in listed))
        .map((status) => `${route.method} ${route.url} ${status}`)
    })
    expect(missing).toEqual([])
  })
})

describe('the reference', () => {
  it('says what each operation is for, who may call it, and under which tag it stands', () => {
    const known = document.tags.map(({ name }) => name)
    const poor = operations.filter(
      ({ operation: { summary, description, tags, security } }) =>
        !summary ||
        !description?.includes('**Who may call:**') ||
        !tags?.every((tag) => known.includes(tag)) ||
        !security,
    )
    expect(poor.map(({ name }) => name)).toEqual([])
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length)
    expect(document.tags.filter(({ description }) => !description)).toEqual([])
    expect(document.servers).toHaveLength(1)
    expect(Object.values(document.components.securitySchemes).filter(({ description }) => !description)).toEqual([])
  })

  it('describes every parameter and every field', () => {
    const bare = operations.flatMap(({ name, operation: { parameters = [], requestBody, responses } }) => [
      ...parameters.filter(({ description }) => !description).map((parameter) => `${name} ?${parameter.name}`),
      ...Object.values(requestBody?.content ?? {}).flatMap(({ schema }) => undescribed(schema, `${name} body`)),
      ...Object.entries(responses).flatMap(([status, { content = {}, description }]) => [
        ...(description ? [] : [`${name} ${status}`]),
        ...Object.values(content).flatMap(({ schema }) => undescribed(schema, `${name} ${status}`)),
      ]),
    ])
    expect(bare).toEqual([])
    expect(Object.values(document.components.schemas).flatMap((schema) => undescribed(schema))).toEqual([])
  })

  it('shows an example of every body, every answer in JSON and every parameter that must be there', () => {
    const bare = operations.flatMap(({ name, operation: { parameters = [], requestBody, responses } }) => [
      ...parameters
        .filter((each) => each.required && each.example === undefined)
        .map((each) => `${name} ?${each.name}`),
      ...Object.values(requestBody?.content ?? {})
        .filter(({ example }) => example === undefined)
        .map(() => `${name} body`),
      ...Object.entries(responses).flatMap(([status, { content = {} }]) =>
        Object.entries(content)
          .filter(([type, { example }]) => isJson(type) && example === undefined)
          .filter(() => !(Number(status) < 400 && mayBeEmpty.includes(name)))
          .map(() => `${name} ${status}`),
      ),
    ])
    expect(bare).toEqual([])
  })

  it('shows examples that are what their schemas say', () => {
    const ajv = new Ajv2020({ strict: false, allErrors: true })
    ;(addFormatsModule as unknown as typeof addFormatsModule.default)(ajv)
    ajv.addSchema({ $id: 'document', components: document.components })
    const faults = (name: string, { schema, example }: Media): string[] => {
      if (example === undefined) return []
      const local = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"document#/components')) as Schema
      const validate = ajv.compile(local)
      return validate(example) ? [] : [`${name}: ${ajv.errorsText(validate.errors)}`]
    }
    const wrong = operations.flatMap(({ name, operation: { parameters = [], requestBody, responses } }) => [
      ...parameters.flatMap(({ name: parameter, schema, example }) => {
        // In an address everything is text.
        const isNumber = schema.type === 'integer' || schema.type === 'number'
        const value =
          isNumber && example !== undefined
            ? Number(example)
            : schema.type === 'boolean' && example !== undefined
              ? example === 'true'
              : example
        return faults(`${name} ?${parameter}`, { schema, ...(value === undefined ? {} : { example: value }) })
      }),
      ...Object.entries(requestBody?.content ?? {})
        .filter(([type]) => isJson(type))
        .flatMap(([, media]) => (typeof media.example === 'string' ? [] : faults(`${name} body`, media))),
      ...Object.entries(responses).flatMap(([status, { content = {} }]) =>
        Object.entries(content)
          .filter(([type]) => isJson(type))
          .flatMap(([, media]) => faults(`${name} ${status}`, media)),
      ),
    ])
    expect(wrong).toEqual([])
  })
})

it('the reference names the length of an agent id that holds', () => {
  const said = [...text.matchAll(/(?:Name of the agent|Which agent calls), at most (\d+) characters/g)].map((match) =>
    Number(match[1]),
  )
  expect(said.length).toBeGreaterThan(10)
  expect(new Set(said)).toEqual(new Set([LONGEST_AGENT_ID]))
})

it('the reference lists what each live stream tells', () => {
  const eventsOf = (path: string) => {
    const media = document.paths[path]?.get?.responses['200']?.content?.['text/event-stream']
    return Object.keys((media as unknown as { 'x-events'?: object } | undefined)?.['x-events'] ?? {})
  }
  expect(eventsOf('/api/v1/stream/dashboard')).toEqual([...dashboardTypes])
  expect(eventsOf('/api/v1/stream')).toEqual([
    'contract_update',
    'gates_update',
    'assignment_changed',
    'approval_created',
    'approval_decided',
    'approval_timeout',
  ])
})
