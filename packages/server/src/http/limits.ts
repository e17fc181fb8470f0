import type { FastifyInstance, FastifyRequest } from 'fastify'
import { PayloadTooLarge } from '../errors.ts'
import { sendError } from './errors.ts'
import { routeOf, surfaceOf } from './surface.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** The largest body of each path, first match wins; a batch of events may be larger than the rest, so that no full client buffer is refused. */
const rows: readonly { readonly prefix: string; readonly method?: string; readonly limit: number }[] = [
  { prefix: '/api/v1/auth/', limit: 4 * KIB },
  { prefix: '/api/v1/setup', limit: 4 * KIB },
  { prefix: '/api/v1/events', method: 'POST', limit: 16 * MIB },
  { prefix: '/api/v1/bundles', method: 'POST', limit: 5 * MIB },
  { prefix: '/api/v1/contracts', method: 'POST', limit: 5 * MIB },
  { prefix: '/api/v1/contracts/', method: 'PUT', limit: 5 * MIB },
  { prefix: '/api/v1/compositions', method: 'POST', limit: 5 * MIB },
  { prefix: '/api/v1/compositions/', method: 'PUT', limit: 5 * MIB },
  { prefix: '/v1/dispatch-gateway', limit: 32 * MIB },
  { prefix: '/x/', limit: 32 * MIB },
  { prefix: '/v1/', limit: 5 * MIB },
]

const DEFAULT_LIMIT = MIB
/** Fastify counts while reading up to this; the exact limit of the route is set when the route is registered. */
export const LARGEST_BODY = 32 * MIB

function limitFor(method: string, path: string): number {
  return (
    rows.find((row) => path.startsWith(row.prefix) && (!row.method || row.method === method))?.limit ?? DEFAULT_LIMIT
  )
}

/** Bytes that the body of a route may have. */
export const bodyLimitFor = (method: string, url: string, config?: { readonly maxBody?: number }): number =>
  config?.maxBody ?? limitFor(method, url)

export const bodyLimitOf = (request: FastifyRequest): number =>
  bodyLimitFor(request.method, routeOf(request), request.routeOptions?.config)

/** Refuse a body that says it is too large before it is read, and one that proves to be while it is. */
export function registerLimits(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const method = Array.isArray(route.method) ? (route.method[0] ?? 'GET') : route.method
    route.bodyLimit ??= bodyLimitFor(method, route.url, route.config)
  })
  app.addHook('onRequest', async (request, reply) => {
    if (request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS') return
    if (surfaceOf(routeOf(request)) === 'pages') return
    const announced = Number(request.headers['content-length'])
    const limit = bodyLimitOf(request)
    if (Number.isFinite(announced) && announced > limit) {
      reply.header('connection', 'close')
      return sendError(reply, request, new PayloadTooLarge(limit))
    }
  })
}
