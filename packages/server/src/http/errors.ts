import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  BadRequest,
  DomainError,
  type InputProblem,
  InsufficientScope,
  InvalidInput,
  NotFound,
  PayloadTooLarge,
  Unavailable,
} from '../errors.ts'
import { isDatabaseAway, isPoolExhausted } from '../storage/database.ts'
import { isStorageFull } from '../storage/room.ts'
import { bodyLimitOf } from './limits.ts'
import { isSealRoute, sealErrorBody } from './seal-errors.ts'
import { securityHeaders } from './security-headers.ts'
import { routeOf, surfaceOf } from './surface.ts'
import { type Judge, problemsOf } from './validation.ts'

/** Every failure leaves through here: the console API says `detail`, the runtime API `error` and `message`. */
export function registerErrors(app: FastifyInstance): void {
  app.setErrorHandler(async (thrown: unknown, request, reply) => {
    // What cannot be read of a request that no route takes is beside the point.
    if (request.is404 && isInputError(thrown)) return app.answerUnrouted(request, reply)
    const error = domainErrorOf(thrown, request)
    if (error === null) {
      request.log.error({ err: thrown }, 'request failed')
      return send(reply, request, 500, 'internal', 'Internal Server Error', null)
    }
    if (error.status >= 500) request.log.warn({ err: thrown }, error.message)
    reply.headers(error.headers)
    return send(reply, request, error.status, error.code, error.message, error)
  })
}

/** What no route can be found for because its path cannot be read: no hook has run yet. */
export function sendUnroutable(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  reply.headers({ ...securityHeaders, 'x-request-id': request.id })
  sendError(reply, request, domainErrorOf(thrown, request) ?? new NotFound('Not Found'))
}

export function sendError(reply: FastifyReply, request: FastifyRequest, error: DomainError): FastifyReply {
  reply.headers(error.headers)
  return send(reply, request, error.status, error.code, error.message, error)
}

function send(
  reply: FastifyReply,
  request: FastifyRequest,
  status: number,
  code: string,
  message: string,
  error: DomainError | null,
): FastifyReply {
  reply.code(status).type('application/json; charset=utf-8')
  const problems = error instanceof InvalidInput ? error.problems : null
  // Serialised here: an error is outside the schema of the route's answers.
  reply.serializer((payload: unknown) => JSON.stringify(payload))
  const route = routeOf(request)
  if (isSealRoute(route))
    return reply.send(sealErrorBody({ status, message, error, requestId: request.id, at: request.server.clock.now() }))
  if (surfaceOf(route) !== 'runtime') return reply.send({ detail: problems ?? message, ...error?.members })
  return reply.send({
    error: code,
    message,
    ...(error instanceof InsufficientScope ? { required: error.required } : {}),
    ...(problems ? { problems } : {}),
    ...error?.members,
  })
}

/** Too many requests at once look the same from here as a database that hangs. */
const BUSY_DATABASE = 'Every connection to the database is in use and none came free in time.'

function domainErrorOf(thrown: unknown, request: FastifyRequest): DomainError | null {
  if (thrown instanceof DomainError) return thrown
  if (isStorageFull(thrown))
    return new Unavailable(
      'The disk of the server is full: nothing was changed. Make room on it (docs/operations.md, "A full disk") and try again.',
      { cause: thrown, retryAfter: 30, code: 'storage_full' },
    )
  if (isDatabaseAway(thrown))
    return new Unavailable(
      `${isPoolExhausted(thrown) ? BUSY_DATABASE : 'The database does not answer.'} Try again shortly.`,
      {
        cause: thrown,
        retryAfter: 1,
        code: 'database_unavailable',
      },
    )
  if (!(thrown instanceof Error)) return null
  const error = thrown as FastifyError
  if (error.validation) return new InvalidInput(allProblems(error, request), 'validation')
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new PayloadTooLarge(bodyLimitOf(request))
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new BadRequest('The body is not as long as Content-Length says.')
    case 'FST_ERR_BAD_URL':
      return new BadRequest('The path is not a valid URL path.')
    case 'FST_ERR_MAX_PARAM_LENGTH':
      // Nothing has so long a name.
      return new NotFound('Not Found')
  }
  if (typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500) {
    return new DomainError(error.statusCode, 'bad_request', error.message)
  }
  return null
}

/** Whether the request itself is wrong, not what became of it. */
const isInputError = (thrown: unknown): boolean => {
  if (thrown instanceof DomainError) return thrown instanceof InvalidInput
  const { statusCode } = thrown as { statusCode?: unknown }
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
}

/** In the order in which Fastify judges them. It stops at the first that fails; callers are told of all at once. */
const parts = ['params', 'body', 'querystring', 'headers'] as const

function allProblems(error: FastifyError, request: FastifyRequest): InputProblem[] {
  const failed = error.validationContext ?? 'body'
  const later = parts.slice(parts.indexOf(failed as (typeof parts)[number]) + 1)
  return [
    ...problemsOf(error.validation ?? [], failed),
    ...later.flatMap((part) => {
      const input = part === 'querystring' ? request.query : request[part]
      const judged = (request.getValidationFunction(part) as Judge | undefined)?.(input ?? null)
      return judged?.error ? problemsOf(judged.error, part) : []
    }),
  ]
}
