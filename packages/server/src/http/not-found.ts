import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { DomainError, NotFound } from '../errors.ts'
import { sendError } from './errors.ts'
import { readablePath, surfaceOf } from './surface.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The answer where no route is for this path and method. */
    answerUnrouted(request: FastifyRequest, reply: FastifyReply): FastifyReply
  }
}

/** Unknown paths: 404, 405 with `Allow`, 307 to the form without trailing slash; outside the API, on to the console. */
export function registerNotFound(app: FastifyInstance, basePath: string): void {
  const routes: { readonly methods: readonly string[]; readonly pattern: RegExp }[] = []
  app.addHook('onRoute', (route) => {
    const methods = Array.isArray(route.method) ? route.method : [route.method]
    routes.push({ methods, pattern: patternOf(route.url) })
  })
  const answer = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const path = readablePath(request.url)
    const [asked = '', query] = request.url.split('?', 2)
    const isApi = surfaceOf(path) !== 'pages'
    if (!isApi && (request.method === 'GET' || request.method === 'HEAD'))
      return reply.redirect(`${basePath}/dashboard`, 302)
    // Sent back as it was asked for: what is decoded here could break out of a header, what names a host could lead there.
    const bare = withoutLastSlashes(asked)
    const isOwnPath = /^\/[^/\\]/.test(bare)
    if (isApi && isOwnPath && bare !== asked && routes.some((route) => route.pattern.test(readablePath(bare)))) {
      return reply.redirect(`${basePath}${bare}${query === undefined ? '' : `?${query}`}`, 307)
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

/** By hand: a pattern would look at each of many slashes anew. */
function withoutLastSlashes(path: string): string {
  let end = path.length
  while (path[end - 1] === '/') end--
  return path.slice(0, end)
}

function patternOf(url: string): RegExp {
  const source = url
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/:[^/]+/g, '[^/]+')
    .replace(/\*/g, '.*')
  return new RegExp(`^${source}$`)
}
