import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  /** What a route says of itself for the reference. */
  interface FastifySchema {
    readonly tags?: readonly string[]
    readonly summary?: string
    readonly description?: string
    /** Media types of the body; JSON otherwise. */
    readonly consumes?: readonly string[]
    /** Media types of a successful answer; JSON otherwise. */
    readonly produces?: readonly string[]
    /** The route is not for others. */
    readonly hide?: boolean
  }
}

const file = new URL('../../openapi.json', import.meta.url)

/**
 * The OpenAPI 3.1 document. It is drawn from the declared routes when the package is built (`scripts/openapi.ts`), with words and
 * examples that no process needs in its memory; a test proves that it is the one of these routes.
 */
export function registerOpenApi(app: FastifyInstance, basePath: string): void {
  app.get(
    '/openapi.json',
    { exposeHeadRoute: true, config: { access: 'public', scope: 'none' }, schema: { hide: true } },
    async (_request, reply) => reply.type('application/json; charset=utf-8').send(documentBelow(basePath)),
  )
}

/** The document; where this server is served below a path, its paths begin there. */
function documentBelow(basePath: string): Buffer | string {
  const text = readFileSync(file)
  if (basePath === '') return text
  const document = JSON.parse(text.toString()) as { servers: readonly { url: string }[] }
  return JSON.stringify({ ...document, servers: document.servers.map((server) => ({ ...server, url: basePath })) })
}
