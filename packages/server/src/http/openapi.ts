import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import type { Access } from './access.ts'

const security: Readonly<Record<Access, Record<string, string[]>[]>> = {
  public: [],
  webhook: [],
  dashboard: [{ session: [] }],
  admin: [{ session: [] }],
  agent: [{ apiKey: [] }],
  either: [{ session: [] }, { apiKey: [] }],
  bearer: [{ accessToken: [] }, { session: [] }],
  dispatch: [{ accessToken: [] }],
}

const summaries: Readonly<Record<Access, string>> = {
  public: 'Needs no credentials.',
  webhook: 'Authenticated by the signature of the sender.',
  dashboard: 'Needs a console session.',
  admin: 'Needs a console session of an administrator.',
  agent: 'Needs an API key.',
  either: 'Needs a console session or an API key.',
  bearer: 'Needs an access token or a console session.',
  dispatch: 'Called by an execution at the address it was given, or with an access token.',
}

/** The OpenAPI 3.1 document, drawn from the schemas and access that the routes declare; `isPublished` shows it to everybody. */
export async function registerOpenApi(app: FastifyInstance, version: string, isPublished: boolean): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Lictor',
        version,
        description:
          'Governs and runs AI agents. `/api/v1` is the console API (Edictum SDKs), `/v1` the runtime API (AEGIS SDKs).',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'edictum_session',
            description: 'Set by POST /api/v1/auth/login.',
          },
          apiKey: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'edk_{env}_{random}',
            description: 'An API key of one environment.',
          },
          accessToken: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'From the token endpoint (client credentials).',
          },
        },
      },
    },
    transform: ({ schema, url, route }) => {
      const access = route.config?.access ?? 'admin'
      const described = (schema ?? {}) as Record<string, unknown> & { description?: string; hide?: boolean }
      return {
        url,
        schema: {
          ...described,
          description: [described.description, summaries[access]].filter(Boolean).join('\n\n'),
          security: security[access],
        } as never,
      }
    },
  })
  if (!isPublished) return
  app.get('/openapi.json', { config: { access: 'public', scope: 'none' }, schema: { hide: true } }, async () =>
    app.swagger(),
  )
}
