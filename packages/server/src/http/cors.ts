import type { FastifyInstance } from 'fastify'
import { StartupError } from '../errors.ts'

const METHODS = 'GET, POST, PUT, PATCH, DELETE, OPTIONS'
const HEADERS = ['Content-Type', 'X-Requested-With', 'Authorization', 'X-Edictum-Agent-Id']
const MAX_AGE_SECONDS = 600

const allowedMethods = new Set(METHODS.split(', '))
const allowedHeaders = new Set(HEADERS.map((name) => name.toLowerCase()))
/** What a browser sends in any case, and therefore may be named too. */
const safelisted = ['accept', 'accept-language', 'content-language']

/**
 * The origins whose pages may call the API with the signed-in person's cookie.
 *
 * @param configured as the operator wrote them
 * @param baseUrl public address; unless it is local, origins of this machine are dropped, each told to `warn`
 * @throws StartupError for `*`, and for what is no origin
 */
export function corsOrigins(
  configured: readonly string[],
  baseUrl: string,
  warn: (message: string) => void,
): ReadonlySet<string> {
  const isPublic = baseUrl !== '' && !['localhost', '127.0.0.1'].includes(new URL(baseUrl).hostname)
  const origins = configured.filter((origin) => {
    if (origin === '*')
      throw new StartupError(
        'setting',
        "LICTOR_CORS_ORIGINS is '*', which would let every page act as whoever is signed in. Name the origins.",
      )
    if (!/^https?:\/\//.test(origin) || !URL.canParse(origin) || new URL(origin).origin !== origin)
      throw new StartupError(
        'setting',
        `LICTOR_CORS_ORIGINS names '${origin}'; it takes origins such as https://console.example.com, without path or trailing slash.`,
      )
    if (!isPublic || !/^http:\/\/(localhost|127\.0\.0\.1)(:|$)/.test(origin)) return true
    warn(`LICTOR_CORS_ORIGINS names '${origin}', which is left out because this server is public at ${baseUrl}.`)
    return false
  })
  return new Set(origins)
}

/** Tell browsers which pages may call, and answer their preflights. */
export function registerCors(app: FastifyInstance, origins: ReadonlySet<string>): void {
  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers
    // Whatever the answer is, it depends on who asked.
    if (origins.size > 0) reply.header('vary', 'Origin')
    if (origin === undefined) return
    const isAllowed = origins.has(origin)
    if (isAllowed) {
      reply.header('access-control-allow-origin', origin)
      reply.header('access-control-allow-credentials', 'true')
      reply.header('access-control-expose-headers', 'X-Request-Id, Retry-After')
    }
    const method = request.headers['access-control-request-method']
    if (request.method !== 'OPTIONS' || method === undefined) return
    const asked = (request.headers['access-control-request-headers'] ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase())
      .filter((name) => name !== '' && !safelisted.includes(name))
    const problem = !isAllowed
      ? 'origin'
      : !allowedMethods.has(method)
        ? 'method'
        : asked.some((name) => !allowedHeaders.has(name))
          ? 'headers'
          : null
    if (problem !== null) return reply.code(400).type('text/plain').send(`Disallowed CORS ${problem}`)
    return reply
      .code(200)
      .headers({
        'access-control-allow-methods': METHODS,
        'access-control-allow-headers': HEADERS.join(', '),
        'access-control-max-age': String(MAX_AGE_SECONDS),
      })
      .type('text/plain')
      .send('OK')
  })
}
