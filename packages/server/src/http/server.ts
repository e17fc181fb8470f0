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
import { type Authenticator, registerAccess } from './access.ts'
import { registerBodies } from './bodies.ts'
import { registerCors } from './cors.ts'
import { registerErrors, sendUnroutable } from './errors.ts'
import { LARGEST_BODY, registerLimits } from './limits.ts'
import { registerNotFound } from './not-found.ts'
import { registerOpenApi } from './openapi.ts'
import { newRequestId, registerRequestContext } from './request-context.ts'
import { registerSecurity } from './security.ts'
import { lazySerialisation } from './serialisation.ts'
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
  }
}

export interface HttpOptions {
  readonly logger: FastifyBaseLogger
  readonly authenticator: Authenticator
  readonly trustedProxies: readonly string[]
  /** Origins whose pages may call. */
  readonly corsOrigins: ReadonlySet<string>
  /** Whether `/openapi.json` and `/docs` are there (console-api §1.8). */
  readonly hasDocs: boolean
}

/** What all routes share, in the order of console-api §1.3: id, size, security headers and CSRF, then parse, authenticate, validate. */
export async function createHttpServer(options: HttpOptions): Promise<App> {
  const { trustedProxies } = options
  const app = Fastify({
    loggerInstance: options.logger,
    genReqId: newRequestId,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    bodyLimit: LARGEST_BODY,
    exposeHeadRoutes: false,
    trustProxy: trustedProxies.includes('*') ? true : trustedProxies.length > 0 ? [...trustedProxies] : false,
    routerOptions: { maxParamLength: 1024, ignoreTrailingSlash: false },
    frameworkErrors: sendUnroutable,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    schemaController: { compilersFactory: { buildSerializer: lazySerialisation() } },
  }).withTypeProvider<TypeBoxTypeProvider>()
  const declared: DeclaredRoute[] = []
  app.decorate('declaredRoutes', declared)
  app.addHook('onRoute', ({ method, url, config = {}, schema = {} }) => {
    for (const one of [method].flat()) declared.push({ method: one, url, config, schema })
  })
  await app.register(cookie)
  registerErrors(app)
  registerBodies(app)
  registerValidation(app)
  registerRequestContext(app)
  registerLimits(app)
  registerCors(app, options.corsOrigins)
  registerSecurity(app)
  registerNotFound(app)
  registerAccess(app, options.authenticator)
  app.addHook('onResponse', async (request, reply) => {
    request.log.debug(
      {
        method: request.method,
        // The address of an execution is its secret.
        path: request.url.split('?')[0]?.replace(/^\/x\/[^/]*/, '/x/…'),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      'request',
    )
  })
  if (options.hasDocs) registerOpenApi(app)
  return app
}
