import type { FastifyInstance, FastifyRequest } from 'fastify'
import { BadRequest, Forbidden } from '../errors.ts'
import { sendError } from './errors.ts'
import { securityHeaders } from './security-headers.ts'
import { routeOf, surfaceOf } from './surface.ts'

const mutating = new Set(['POST', 'PUT', 'DELETE', 'PATCH'])
const BARE_KEY_PREFIX = 'Bearer edk_'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes no notice of who is signed in (signing in, set-up): a page need not prove that it is one of ours. */
    ignoresSession?: true
  }
}

export interface SecurityOptions {
  /** Name of the cookie that a signed-in browser sends by itself. */
  readonly sessionCookie: string
  /** Origins, besides the server's own, whose pages may call. */
  readonly allowedOrigins: ReadonlySet<string>
  /** The public address, or empty. */
  readonly baseUrl: string
}

/**
 * Security headers on every answer; and for every change that a browser may send by itself a header that no other site can
 * add, `X-Requested-With`. A session cookie always needs it, whatever else the request carries, and no page of another
 * site may send one.
 */
export function registerSecurity(app: FastifyInstance, options: SecurityOptions): void {
  const { sessionCookie, allowedOrigins, baseUrl } = options
  const ownOrigin = baseUrl === '' ? null : new URL(baseUrl).origin
  app.addHook('onRequest', async (request, reply) => {
    for (const [name, value] of Object.entries(securityHeaders)) reply.header(name, value)
    // Of two, a proxy may have gone by the other one (RFC 9112, section 3.2).
    if (hostsOf(request.raw.rawHeaders) > 1) {
      reply.header('connection', 'close')
      return sendError(reply, request, new BadRequest('There is more than one Host header.', 'host'))
    }
    if (!mutating.has(request.method) || request.is404) return
    const { access, ignoresSession } = request.routeOptions.config
    if (access === 'webhook' || access === 'dispatch' || access === 'seal') return
    const hasSession = request.cookies[sessionCookie] !== undefined
    if ((hasSession || ignoresSession) && isForeign(request))
      return sendError(
        reply,
        request,
        new Forbidden(
          'A page of another site sent this request. Call from the console, or name its origin in LICTOR_CORS_ORIGINS.',
          'cross_site',
        ),
      )
    if (ignoresSession || request.headers['x-requested-with']) return
    if (hasSession || (surfaceOf(routeOf(request)) === 'console' && !hasApiKey(request)))
      return sendError(reply, request, new Forbidden('Missing CSRF header.', 'csrf'))
  })

  /** Whether a browser says that the request comes from a page of another site. Programs say nothing. */
  function isForeign(request: FastifyRequest): boolean {
    const { origin } = request.headers
    if (origin !== undefined) {
      if (allowedOrigins.has(origin) || origin === ownOrigin) return false
      if (!URL.canParse(origin)) return true
      const { protocol, host } = new URL(origin)
      const asked = `${protocol}//${request.host}`
      return !URL.canParse(asked) || new URL(asked).host !== host
    }
    return request.headers['sec-fetch-site'] === 'cross-site'
  }
}

function hasApiKey(request: FastifyRequest): boolean {
  const bearer = request.headers.authorization ?? ''
  return bearer.startsWith(BARE_KEY_PREFIX) && bearer.length > BARE_KEY_PREFIX.length
}

/** How many `Host` headers there are; Node keeps the first and drops the others in silence. */
function hostsOf(rawHeaders: readonly string[]): number {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) if (rawHeaders[index]?.toLowerCase() === 'host') count++
  return count
}
