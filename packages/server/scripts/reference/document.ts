import { streamEvents } from '../../src/changes/stream-events.ts'
import type { Access } from '../../src/http/access.ts'
import { bodyLimitFor } from '../../src/http/limits.ts'
import type {} from '../../src/http/openapi.ts'
import { ErrorBody, RuntimeErrorBody } from '../../src/http/schemas.ts'
import type { DeclaredRoute } from '../../src/http/server.ts'
import { surfaceOf } from '../../src/http/surface.ts'
import type { OperationNotes } from './chapter.ts'
import { chapters } from './chapters.ts'
import { impliedFailures, meanings, rare } from './errors.ts'
import { exampleOf, type OperationExamples, examples as recorded } from './examples.ts'
import { overview } from './overview.ts'
import { described, type Schema } from './schemas.ts'

const credentials: Readonly<Record<Access, Record<string, string[]>[]>> = {
  public: [],
  webhook: [],
  dashboard: [{ session: [] }],
  admin: [{ session: [] }],
  agent: [{ apiKey: [] }],
  either: [{ session: [] }, { apiKey: [] }],
  bearer: [{ accessToken: [] }, { session: [] }],
  dispatch: [{ accessToken: [] }],
  seal: [],
}

const callers: Readonly<Record<Access, string>> = {
  public: 'Anybody.',
  webhook: 'The chat platform, by its signature.',
  dashboard: 'A signed-in person.',
  admin: 'A signed-in administrator.',
  agent: 'An agent, by its API key.',
  either: 'A signed-in person, or an agent by its API key.',
  bearer: 'A service account by its access token, or a signed-in person.',
  seal: 'A client of SEAL: by its signed envelope, its own address, or an access token.',
  dispatch: 'An execution at the address it was given, or a service account by its access token.',
}

/** What a live stream tells, by the name of the event: an agent's stream, or a console's. */
/** Both doors have the same events, but for the document and for what is told to who fetches by name. */
function isTold(url: string, name: string): boolean {
  const ofRulesets = name === 'ruleset_update' || name === 'ruleset_updated'
  return url === '/v1/stream' ? name !== 'contract_update' : !ofRulesets
}

function eventsFor(url: string): Record<string, unknown> {
  const isConsole = url.endsWith('/dashboard')
  return Object.fromEntries(
    Object.entries(streamEvents)
      .filter(([name, { agents, dashboards }]) => (isConsole ? dashboards : agents !== null && isTold(url, name)))
      .map(([name, { description, agents, data }]) => [
        name,
        { description: isConsole || agents === null ? description : `${description} ${agents}`, data },
      ]),
  )
}

/** The OpenAPI 3.1 document: what the routes declare, with the notes and the recorded examples of this folder. */
export function buildDocument(routes: readonly DeclaredRoute[], version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    if (route.schema.hide || route.method === 'HEAD') continue
    const path = pathOf(route.url)
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, path) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Lictor',
      version,
      summary: 'Governs and runs AI agents.',
      description: overview.description,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The server that shows this document.' }],
    tags: chapters.map(({ tag, description }) => ({ name: tag, description })),
    components: { securitySchemes: overview.securitySchemes, schemas: overview.schemas },
    paths,
  }
}

export const pathOf = (url: string): string => url.replaceAll(/:([a-z_]+)/gi, '{$1}').replace('*', '{*}')

function operationOf(route: DeclaredRoute, path: string): object {
  const { method, config } = route
  const schema = route.schema as Record<string, unknown>
  const tag = (schema.tags as string[] | undefined)?.[0] ?? ''
  const chapter = chapters.find((each) => each.tag === tag)
  const notes: OperationNotes = chapter?.operations[`${method} ${route.url}`] ?? {}
  const examples = recorded[`${method} ${path}`] ?? { responses: {} }
  const describe = (part: unknown): Schema => described(part as Schema, chapter?.fields ?? {})
  const parameters = [
    ...parametersOf('path', schema.params, describe, examples),
    ...parametersOf('query', schema.querystring, describe, examples),
    ...(notes.headers ?? []).map(({ name, description, required = false }) => ({
      name,
      in: 'header',
      required,
      description,
      schema: { type: 'string' },
    })),
  ]
  const requestBody = requestBodyOf(schema, notes, describe, examples)
  return {
    tags: [tag],
    operationId: operationIdOf(method, path),
    summary: schema.summary,
    description: descriptionOf(route, notes),
    security: credentials[config.access as Access],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(requestBody ? { requestBody } : {}),
    responses: responsesOf(route, notes, describe, examples),
  }
}

function operationIdOf(method: string, path: string): string {
  const words = path
    .replace(/^\/api\/v1/, '/api')
    .split(/[^A-Za-z0-9*]+/)
    .filter((word) => word !== '')
    .map((word) => (word === '*' ? 'Path' : `${word[0]?.toUpperCase()}${word.slice(1)}`))
  return method.toLowerCase() + words.join('')
}

function descriptionOf({ method, url, config, schema }: DeclaredRoute, notes: OperationNotes): string {
  const access = config.access as Access
  const own = (schema as { description?: string }).description
  const scope =
    config.scope === 'tenant'
      ? " Reaches the caller's tenant."
      : config.scope === 'environment'
        ? " Reaches the caller's tenant; an API key only its environment."
        : ''
  const permission = config.requires ? ` A token needs the permission \`${config.requires}\`.` : ''
  const size = method === 'GET' ? '' : ` The body has at most ${sizeOf(bodyLimitFor(method, url, config))}.`
  return [
    own,
    notes.notes,
    `**Who may call:** ${callers[access]}${permission}${scope}${size}`,
    notes.emits && notes.emits.length > 0
      ? `**Emits:** ${notes.emits.map((event) => `\`${event}\``).join(', ')}.`
      : undefined,
  ]
    .filter((part) => part !== undefined && part !== '')
    .join('\n\n')
}

const sizeOf = (bytes: number): string =>
  bytes >= 1_048_576 ? `${bytes / 1_048_576} MiB` : bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} bytes`

function parametersOf(
  place: 'path' | 'query',
  schema: unknown,
  describe: (part: unknown) => Schema,
  examples: OperationExamples,
): object[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = describe(schema) as {
    properties?: Record<string, Schema>
    required?: string[]
  }
  const shown = examples[place] ?? {}
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    description,
    schema: rest,
    ...(shown[name] === undefined ? {} : { example: shown[name] }),
  }))
}

function requestBodyOf(
  schema: Record<string, unknown>,
  notes: OperationNotes,
  describe: (part: unknown) => Schema,
  examples: OperationExamples,
): object | undefined {
  const types = (schema.consumes as string[] | undefined) ?? [notes.body?.type ?? 'application/json']
  const declared = schema.body ?? notes.body?.schema
  if (declared === undefined) return undefined
  const body = describe(declared)
  const accepts = (body.anyOf as Schema[] | undefined)?.some(({ type }) => type === 'null') ?? false
  return {
    required: !accepts,
    content: Object.fromEntries(types.map((type) => [type, { schema: body, ...exampleOf(examples.body) }])),
  }
}

function responsesOf(
  route: DeclaredRoute,
  notes: OperationNotes,
  describe: (part: unknown) => Schema,
  examples: OperationExamples,
): object {
  const schema = route.schema as { response?: Record<string, Schema>; produces?: string[] }
  const declared = schema.response ?? {}
  const types = schema.produces ?? ['application/json']
  const statuses = new Set([...Object.keys(declared).map(Number), ...impliedFailures(route)])
  const answers = [...statuses]
    .sort((a, b) => a - b)
    .map((status): [string, object] => {
      const example = examples.responses[status] ?? rare[`${route.method} ${pathOf(route.url)} ${status}`]
      const shape = declared[status]
      if (status < 400) {
        const headers = headersOf(notes.answers ?? {})
        const text = describe(shape)
        const isEmpty = shape?.type === 'null' || shape?.maxLength === 0
        return [
          String(status),
          {
            description: isEmpty
              ? 'Done; the answer has no body.'
              : ((text.description as string) ?? successes[status] ?? 'Done.'),
            ...headers,
            ...(isEmpty
              ? {}
              : {
                  content: Object.fromEntries(
                    types.map((type) => [
                      type,
                      {
                        schema: type === 'text/event-stream' ? { description: text.description } : text,
                        ...(/^\/(?:api\/)?v1\/stream/.test(route.url) ? { 'x-events': eventsFor(route.url) } : {}),
                        ...exampleOf(example),
                      },
                    ]),
                  ),
                }),
          },
        ]
      }
      const isEmpty = shape?.maxLength === 0
      const isOwn = shape !== undefined && !shared.has(shape)
      const body = isOwn
        ? describe(shape)
        : { $ref: `#/components/schemas/${surfaceOf(route.url) === 'runtime' ? 'RuntimeError' : 'Error'}` }
      const retry =
        status === 429 || status === 503 ? headersOf({ 'Retry-After': 'Seconds to wait before asking again.' }) : {}
      const who = status === 401 && !isEmpty ? headersOf({ 'WWW-Authenticate': 'How to authenticate.' }) : {}
      return [
        String(status),
        {
          description: meanings[status] ?? '',
          ...retry,
          ...who,
          ...(isEmpty ? {} : { content: { 'application/json': { schema: body, ...exampleOf(example) } } }),
        },
      ]
    })
  return Object.fromEntries(answers)
}

/** Bodies of failures that most operations have in common. */
const shared: ReadonlySet<object> = new Set([ErrorBody, RuntimeErrorBody])

const successes: Readonly<Record<number, string>> = {
  200: 'Done.',
  201: 'Created.',
  204: 'Done; the answer has no body.',
}

const headersOf = (headers: Readonly<Record<string, string>>): object =>
  Object.keys(headers).length === 0
    ? {}
    : {
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
        ),
      }
