import type { FastifyInstance } from 'fastify'
import { BadRequest, Forbidden } from '../errors.ts'
import { sendError } from './errors.ts'
import { securityHeaders } from './security-headers.ts'

const exemptFromCsrf = [
  '/api/v1/auth/login',
  '/api/v1/setup',
  '/api/v1/telegram/',
  '/api/v1/discord/',
  '/api/v1/slack/',
  '/api/v1/health',
]
const mutating = new Set(['POST', 'PUT', 'DELETE', 'PATCH'])
const BARE_KEY_PREFIX = 'Bearer edk_'

/** Security headers on every answer (console-api §1.6); a header no other site can send on every cookie-borne change (§1.5). */
export function registerSecurity(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    for (const [name, value] of Object.entries(securityHeaders)) reply.header(name, value)
    // Of two, a proxy may have gone by the other one (RFC 9112 §3.2).
    if (hostsOf(request.raw.rawHeaders) > 1) {
      reply.header('connection', 'close')
      return sendError(reply, request, new BadRequest('There is more than one Host header.', 'host'))
    }
    if (!mutating.has(request.method)) return
    const bearer = request.headers.authorization
    if (request.url.startsWith('/api/')) {
      if (exemptFromCsrf.some((prefix) => request.url.startsWith(prefix))) return
      if (bearer?.startsWith(BARE_KEY_PREFIX) && bearer.length > BARE_KEY_PREFIX.length) return
    } else if (!request.url.startsWith('/v1/') || bearer !== undefined || request.headers.cookie === undefined) {
      return
    }
    if (!request.headers['x-requested-with'])
      return sendError(reply, request, new Forbidden('Missing CSRF header.', 'csrf'))
  })
}

/** How many `Host` headers there are; Node keeps the first and drops the others in silence. */
function hostsOf(rawHeaders: readonly string[]): number {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) if (rawHeaders[index]?.toLowerCase() === 'host') count++
  return count
}
