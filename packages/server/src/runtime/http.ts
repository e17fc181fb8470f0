import Type, { type TSchema } from 'typebox'
import { BadRequest, InvalidInput } from '../errors.ts'
import type { App } from '../http/server.ts'
import { callerOf, type TokenCaller, type UserCaller } from '../identity/caller.ts'

/**
 * Register routes of the runtime API. Its bodies are parsed by content, not by header: clients of several generations send
 * manifests as JSON, YAML and plain text, and optional bodies not at all. A route with `rawBody` receives the text.
 */
export function runtimeRoutes(app: App, add: (app: App) => void): void {
  app.register(async (inner) => {
    const scope = inner as App
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
      const text = typeof body === 'string' ? body : body.toString('utf8')
      if (request.routeOptions.config.rawBody) return done(null, text)
      if (text.trim() === '') return done(null, {})
      try {
        done(null, JSON.parse(text))
      } catch {
        done(new BadRequest('The body is not valid JSON.', 'malformed_json'))
      }
    })
    scope.addHook('preValidation', async (request) => {
      if (request.body === undefined && request.method !== 'GET')
        request.body = request.routeOptions.config.rawBody ? '' : {}
    })
    add(scope)
  })
}

/** Who calls with an access token, or signed in to the console. @throws BadRequest for anybody else */
export function runtimeCallerOf(request: Parameters<typeof callerOf>[0]): TokenCaller | UserCaller {
  const caller = callerOf(request)
  if (caller.kind === 'token' || caller.kind === 'user') return caller
  throw new BadRequest('This route takes an access token or a console session.')
}

/** What a body lacks, where its schema leaves the field open because clients spell it in several ways. */
export const missingInBody = (field: string): InvalidInput =>
  new InvalidInput([{ loc: ['body', field], msg: `${field} is required and must not be empty.` }])

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** An id from a path, query or body, in lower case. @throws BadRequest with `message` when it is no UUID. */
export function requireUuid(text: string, message: string): string {
  if (!uuid.test(text)) throw new BadRequest(message, message)
  return text.toLowerCase()
}

/**
 * `limit` and `offset` of a list: absent takes the default, above the maximum is cut to it.
 * @throws BadRequest `invalid_query` for what is no whole number from 0.
 */
export function pageOf(
  query: { limit?: string | undefined; offset?: string | undefined },
  limits: { fallback: number; max: number },
): { limit: number; offset: number } {
  return {
    limit: Math.min(wholeNumber('limit', query.limit, limits.fallback), limits.max),
    offset: wholeNumber('offset', query.offset, 0),
  }
}

function wholeNumber(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined || text === '') return fallback
  if (!/^\d{1,15}$/.test(text))
    throw new BadRequest(`${name} must be a whole number from 0, not '${text}'.`, 'invalid_query')
  return Number(text)
}

/** A yes or no of a query string; absent takes `fallback`. @throws BadRequest `invalid_query`. */
export function flagOf(name: string, text: string | undefined, fallback: boolean): boolean {
  if (text === undefined || text === '') return fallback
  if (/^(true|1|yes|on)$/i.test(text)) return true
  if (/^(false|0|no|off)$/i.test(text)) return false
  throw new BadRequest(`${name} must be true or false, not '${text}'.`, 'invalid_query')
}

/** A list under every name that clients of several generations read it by, and its length. */
export const ListOf = <N extends string, T extends TSchema>(name: N, item: T) =>
  Type.Object({
    ...({ [name]: Type.Array(item) } as Record<N, ReturnType<typeof Type.Array<T>>>),
    items: Type.Array(item),
    count: Type.Integer(),
  })

export const listed = <N extends string, T>(name: N, items: T[]) => ({
  ...({ [name]: items } as Record<N, T[]>),
  items,
  count: items.length,
})

/** Any JSON value. */
export const Json = Type.Any()
export const JsonObject = Type.Record(Type.String(), Type.Any())
