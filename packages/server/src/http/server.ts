import type { IncomingMessage, ServerResponse } from 'node:http'
import cookie from '@fastify/cookie'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyContextConfig,
  type FastifyInstance,
  type FastifySchema,
  LogController,
  type RawServerDefault,
} from 'fastify'
import type { OpenCalls } from '../identity/open-calls.ts'
import type { Clock } from '../ports/clock.ts'
import { type Authenticator, registerAccess } from './access.ts'
import { basePathOf, withinBasePath } from './base-path.ts'
import { registerBodies } from './bodies.ts'
import { registerCompression } from './compression.ts'
import { registerCors } from './cors.ts'
import { registerErrors, sendUnroutable } from './errors.ts'
import { registerOpenCalls } from './held-open.ts'
import { LARGEST_BODY, registerLimits } from './limits.ts'
import { registerNotFound } from './not-found.ts'
import { registerOpenApi } from './openapi.ts'
import { newRequestId, registerRequestContext } from './request-context.ts'
import { registerSecurity } from './security.ts'
import { lazySerialisation } from './serialisation.ts'
import { loggedPath } from './surface.ts'
import { registerUnderWay } from './under-way.ts'
import { registerUnreadBodies } from './unread-bodies.ts'
import { registerValidation } from './validation.ts'

/** The HTTP server every feature adds its routes to; schemas are TypeBox. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** A route as it was declared, for the tests that walk all of them. */
export interface DeclaredRoute {
  readonly method: string
  readonly url: string
  readonly config: FastifyContextConfig
  readonly schema: FastifySchema
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Every route, in the order of registration. */
    declaredRoutes: DeclaredRoute[]
    /** Streams and long polls that are open on this process. */
    openCalls: OpenCalls
    clock: Clock
  }
}

export interface HttpOptions {
  readonly logger: FastifyBaseLogger
  readonly clock: Clock
  readonly authenticator: Authenticator
  /** Where streams and long polls are kept, so that none outlives the access of its caller. */
  readonly openCalls: OpenCalls
  readonly trustedProxies: readonly string[]
  /** Origins whose pages may call. */
  readonly corsOrigins: ReadonlySet<string>
  /** Name of the cookie that a signed-in browser sends by itself. */
  readonly sessionCookie: string
  /** The public address, or empty. */
  readonly baseUrl: string
  /** Whether `/openapi.json` and `/docs` are there. */
  readonly hasDocs: boolean
}

/** What all routes share, in this order: id, size, security headers and CSRF, then parse, authenticate, validate. */
export async function createHttpServer(options: HttpOptions): Promise<App> {
  const { trustedProxies } = options
  const basePath = basePathOf(options.baseUrl)
  const app = Fastify({
    loggerInstance: options.logger,
    genReqId: newRequestId,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    bodyLimit: LARGEST_BODY,
    exposeHeadRoutes: false,
    trustProxy: trustedProxies.includes('*') ? true : trustedProxies.length > 0 ? [...trustedProxies] : false,
    // What is too long for a name is told by whatever it names; here is only what nobody looks at.
    routerOptions: { maxParamLength: 4096, ignoreTrailingSlash: false },
    rewriteUrl: (request) => withinBasePath(request.url ?? '/', basePath),
    frameworkErrors: sendUnroutable,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    schemaController: { compilersFactory: { buildSerializer: lazySerialisation() } },
  }).withTypeProvider<TypeBoxTypeProvider>()
  const declared: DeclaredRoute[] = []
  app.decorate('declaredRoutes', declared)
  app.decorate('clock', options.clock)
  app.addHook('onRoute', ({ method, url, config = {}, schema = {} }) => {
    for (const one of [method].flat()) declared.push({ method: one, url, config, schema })
  })
  registerUnderWay(app)
  await app.register(cookie)
  await registerCompression(app)
  registerUnreadBodies(app, options)
  registerErrors(app)
  registerBodies(app)
  registerValidation(app)
  registerRequestContext(app)
  registerLimits(app)
  registerCors(app, options.corsOrigins)
  registerSecurity(app, { ...options, allowedOrigins: options.corsOrigins })
  registerNotFound(app, basePath)
  registerAccess(app, options.authenticator)
  registerOpenCalls(app, options.openCalls)
  app.addHook('onResponse', async (request, reply) => {
    request.log.debug(
      {
        method: request.method,
        path: loggedPath(request),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      'request',
    )
  })
  if (options.hasDocs) registerOpenApi(app, basePath)
  return app
}
