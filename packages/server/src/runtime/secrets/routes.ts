import Type from 'typebox'
import { BadRequest, InvalidInput } from '../../errors.ts'
import { Instant, Maybe, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import type { SecretFields } from '../../ports/secrets.ts'
import { toWireTime } from '../../storage/instants.ts'
import { Json, ListOf, listed, runtimeCallerOf } from '../http.ts'
import { LARGEST_SECRET, type Secret, type Secrets } from './secrets.ts'

const tags = ['secrets']
/** In JSON, a value may take several characters for one of its own. */
const maxBody = LARGEST_SECRET * 6

const byPath = Type.Object({ '*': Type.String({ description: 'The path, with its slashes: `db/password`.' }) })
const ofVersion = Type.Object({
  version: Type.Optional(Type.String({ description: 'A version, from 1; the newest where absent.' })),
})

const Listed = Type.Object({
  name: Type.String({ description: 'The whole path.' }),
  path: Type.String({ description: 'The same.' }),
  version: Type.Integer({ description: 'The newest version.' }),
  created_at: Instant,
  last_modified: Instant,
})
const Read = Type.Object({
  path: Type.String({ description: 'The whole path.' }),
  name: Type.String({ description: 'The same.' }),
  value: Type.String({ description: 'The value; of a secret with several fields, these as JSON text.' }),
  encoding: Type.Union([Type.Literal('plaintext'), Type.Literal('base64')], {
    description: '`base64` where the value is no text.',
  }),
  data: Type.Record(Type.String(), Type.String(), { description: 'The fields; a plain value is the field `value`.' }),
  fields: Type.Array(Type.String(), { description: 'Their names.' }),
  version: Type.Integer({ description: 'The version that was read.' }),
  created_at: Instant,
})
const Written = Type.Object({
  path: Type.String({ description: 'The whole path.' }),
  name: Type.String({ description: 'The same.' }),
  status: Type.Literal('written'),
  version: Type.Integer({ description: 'The new version, from 1.' }),
  created_at: Instant,
  updated_at: Instant,
  success: Type.Literal(true),
})
const Deleted = Type.Object({
  path: Type.String({ description: 'The whole path.' }),
  status: Type.Union([Type.Literal('deleted'), Type.Literal('destroyed')], {
    description: '`destroyed` where one version was named.',
  }),
  success: Type.Literal(true),
})
const Version = Type.Object({
  version: Type.Integer({ description: 'From 1.' }),
  state: Type.Union([Type.Literal('live'), Type.Literal('deleted'), Type.Literal('destroyed')], {
    description: '`deleted`: taken away in the store, which could bring it back; `destroyed`: for good.',
  }),
  created_at: Instant,
})

/** Secrets over HTTP. */
export function secretRoutes(app: App, secrets: Secrets): void {
  app.get(
    '/v1/secrets',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'secret:list', refusesItself: true },
      schema: {
        tags,
        summary: 'Secrets, by path',
        querystring: Type.Object({
          path_prefix: Type.Optional(Type.String({ description: 'Only paths that begin with it.' })),
        }),
        response: { 200: ListOf('secrets', Listed), ...runtimeFailures(401, 403, 422, 503) },
      },
    },
    async (request) => {
      const found = await secrets.list(runtimeCallerOf(request), request.query.path_prefix ?? '')
      return listed(
        'secrets',
        found.map(({ path, version, createdAt, updatedAt }) => ({
          name: path,
          path,
          version,
          created_at: toWireTime(createdAt),
          last_modified: toWireTime(updatedAt),
        })),
      )
    },
  )

  app.get(
    '/v1/secrets/*',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'secret:read', refusesItself: true },
      schema: {
        tags,
        summary: 'Read a secret',
        params: byPath,
        querystring: ofVersion,
        response: { 200: Read, ...runtimeFailures(400, 401, 403, 404, 422, 503) },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const { version } = request.query
      return shown(await secrets.read(runtimeCallerOf(request), request.params['*'], versionOf(version)))
    },
  )

  app.put(
    '/v1/secrets/*',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'secret:write', maxBody, refusesItself: true },
      schema: {
        tags,
        summary: 'Write a secret',
        params: byPath,
        body: Type.Object(
          {
            value: Type.Optional(Type.String({ description: 'The value.' })),
            encoding: Maybe(
              Type.String({
                description: '`base64`: the value is decoded before it is stored. Otherwise `plaintext`.',
              }),
            ),
            data: Type.Optional(Json),
            expected_version: Maybe(
              Type.Integer({
                minimum: 0,
                description: 'Write only on top of this version, otherwise 409; 0: only where there is none yet.',
              }),
            ),
          },
          { additionalProperties: true },
        ),
        response: { 200: Written, ...runtimeFailures(400, 401, 403, 409, 413, 422, 503) },
      },
    },
    async (request) => {
      const after = request.body.expected_version ?? undefined
      const fields = fieldsOf(request.body)
      const written = await secrets.write(runtimeCallerOf(request), request.params['*'], fields, after)
      const at = toWireTime(written.createdAt)
      return {
        path: written.path,
        name: written.path,
        status: 'written' as const,
        version: written.version,
        created_at: at,
        updated_at: at,
        success: true as const,
      }
    },
  )

  app.delete(
    '/v1/secrets/*',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'secret:delete', refusesItself: true },
      schema: {
        tags,
        summary: 'Delete a secret, or one version of it',
        params: byPath,
        querystring: Type.Object({
          version: Type.Optional(Type.String({ description: 'Destroy only this version; all of them where absent.' })),
        }),
        response: { 200: Deleted, ...runtimeFailures(400, 401, 403, 404, 422, 503) },
      },
    },
    async (request) => {
      const version = versionOf(request.query.version)
      const path = await secrets.delete(runtimeCallerOf(request), request.params['*'], version)
      const status = version === undefined ? ('deleted' as const) : ('destroyed' as const)
      return { path, status, success: true as const }
    },
  )

  app.get(
    '/v1/secret-versions/*',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'secret:list', refusesItself: true },
      schema: {
        tags,
        summary: 'Versions of a secret',
        params: byPath,
        response: {
          200: Type.Object({
            path: Type.String({ description: 'The whole path.' }),
            ...ListOf('versions', Version).properties,
          }),
          ...runtimeFailures(401, 403, 404, 422, 503),
        },
      },
    },
    async (request) => {
      const { path, versions } = await secrets.versions(runtimeCallerOf(request), request.params['*'])
      const items = versions.map(({ version, state, createdAt }) => ({
        version,
        state,
        created_at: toWireTime(createdAt),
      }))
      return { path, ...listed('versions', items) }
    },
  )
}

function versionOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new BadRequest(`version must be a whole number from 1, not '${text.slice(0, 20)}'.`, 'invalid_query')
}

/** Bytes that are no text are kept as base64, and this field says so. */
const ENCODING = 'encoding'

function shown({ path, version, createdAt, fields }: Secret) {
  const names = Object.keys(fields)
  const isBinary = names.length === 2 && fields.value !== undefined && fields[ENCODING] === 'base64'
  const isPlain = isBinary || (names.length === 1 && fields.value !== undefined)
  return {
    path,
    name: path,
    value: isPlain ? (fields.value ?? '') : JSON.stringify(fields),
    encoding: isBinary ? ('base64' as const) : ('plaintext' as const),
    data: fields,
    fields: names,
    version,
    created_at: toWireTime(createdAt),
  }
}

const wrong = (field: string, msg: string) => new InvalidInput([{ loc: ['body', field], msg }], 'invalid_secret')

/** What a body asks to be stored: `{value}`, `{data}`, or the fields themselves. */
function fieldsOf(body: Readonly<Record<string, unknown>>): SecretFields {
  const { value, encoding = null, data, expected_version: _, ...rest } = body
  if (encoding !== null && encoding !== 'base64' && encoding !== 'plaintext')
    throw wrong('encoding', `encoding is 'base64' or 'plaintext', not '${String(encoding).slice(0, 20)}'.`)
  if (value !== undefined && data !== undefined)
    throw wrong('data', "A secret is written as 'value' or as 'data', not as both.")
  if (value !== undefined) return encoding === 'base64' ? decoded(String(value)) : { value: String(value) }
  if (data === undefined) return texts(rest)
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new BadRequest("'data' must be a JSON object", "'data' must be a JSON object")
  return texts(data as Readonly<Record<string, unknown>>)
}

const texts = (fields: Readonly<Record<string, unknown>>): SecretFields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, one]) => [name, typeof one === 'string' ? one : JSON.stringify(one)]),
  )

function decoded(text: string): SecretFields {
  const compact = text.replace(/\s+/g, '')
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(compact) || compact.replace(/=+$/, '').length % 4 === 1)
    throw wrong('value', 'The value is not valid base64.')
  const bytes = Buffer.from(compact, 'base64')
  try {
    return { value: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    return { value: bytes.toString('base64'), [ENCODING]: 'base64' }
  }
}
