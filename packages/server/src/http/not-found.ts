import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { DomainError, NotFound } from '../errors.ts'
import { isRuntimePath, sendError } from './errors.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The answer where no route is for this path and method. */
    answerUnrouted(request: FastifyRequest, reply: FastifyReply): FastifyReply
  }
}

/** Unknown paths: 404, 405 with `Allow`, 307 to the form without trailing slash; outside the API, on to the console (console-api §1.2, §1.8). */
export function registerNotFound(app: FastifyInstance): void {
  const routes: { readonly methods: readonly string[]; readonly pattern: RegExp }[] = []
  app.addHook('onRoute', (route) => {
    const methods = Array.isArray(route.method) ? route.method : [route.method]
    routes.push({ methods, pattern: patternOf(route.url) })
  })
  const answer = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const [path = '/', query] = request.url.split('?', 2)
    const isApi = path.startsWith('/api/') || isRuntimePath(path) || path === '/api'
    if (!isApi && (request.method === 'GET' || request.method === 'HEAD')) return reply.redirect('/dashboard', 302)
    const bare = path.replace(/\/+$/, '')
    if (isApi && bare !== path && routes.some((route) => route.pattern.test(bare))) {
      return reply.redirect(query === undefined ? bare : `${bare}?${query}`, 307)
    }
    const allowed = new Set(routes.filter((route) => route.pattern.test(path)).flatMap((route) => route.methods))
    if (allowed.size > 0) {
      const allow = [...allowed].sort().join(', ')
      return sendError(
        reply,
        request,
        new DomainError(405, 'method_not_allowed', 'Method Not Allowed', { headers: { allow } }),
      )
    }
    return sendError(reply, request, new NotFound('Not Found'))
  }
  app.decorate('answerUnrouted', answer)
  app.setNotFoundHandler(async (request, reply) => answer(request, reply))
}

function patternOf(url: string): RegExp {
  const source = url
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/:[^/]+/g, '[^/]+')
    .replace(/\*/g, '.*')
  return new RegExp(`^${source}$`)
}
