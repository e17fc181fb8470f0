/** What went wrong in a call. Every error of the client is an `AegisError` with a stable `code`. */
export class AegisError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** The client was constructed or called in a way that cannot work; nothing was sent. */
export class AegisUsageError extends AegisError {
  constructor(message: string) {
    super('usage', message)
  }
}

/** The server could not be reached, or the connection broke before the answer was complete. */
export class AegisConnectionError extends AegisError {
  constructor(message: string, options?: ErrorOptions, code = 'connection') {
    super(code, message, options)
  }
}

/** The server did not answer, or a stream fell silent, for longer than `timeoutMs`. */
export class AegisTimeoutError extends AegisConnectionError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options, 'timeout')
  }
}

/** The server answered with success, but not with what the call promises. */
export class AegisProtocolError extends AegisError {
  constructor(message: string, options?: ErrorOptions) {
    super('protocol', message, options)
  }
}

/** No token could be had for the client credentials. `status` is the token endpoint's, when it answered at all. */
export class AegisTokenError extends AegisError {
  readonly status: number | undefined

  constructor(status: number | undefined, message: string, options?: ErrorOptions) {
    super('token', message, options)
    this.status = status
  }
}

interface ApiFailure {
  readonly status: number
  /** The parsed JSON body, or the text when it is no JSON. */
  readonly body: unknown
  readonly headers: Headers
  /** `POST /v1/agents`, for the message. */
  readonly call: string
}

/** The server refused a call. `code` is the body's `error` value, `requestId` what to quote when asking about it. */
export class AegisApiError extends AegisError {
  readonly status: number
  readonly body: unknown
  readonly headers: Headers
  readonly requestId: string | undefined

  constructor({ status, body, headers, call }: ApiFailure) {
    const code = textOf(body, 'error')
    const detail = textOf(body, 'message') ?? code ?? textOf(body, 'detail') ?? (typeof body === 'string' ? body : '')
    const reason = detail.trim().slice(0, 2_000)
    super(code ?? `http_${status}`, `${call} answered ${status}${reason === '' ? '' : `: ${reason}`}`)
    this.status = status
    this.body = body
    this.headers = headers
    this.requestId = headers.get('x-request-id') ?? undefined
  }
}

/** 400 */
export class BadRequestError extends AegisApiError {}
/** 401 */
export class AuthenticationError extends AegisApiError {}
/** 402 */
export class PaymentRequiredError extends AegisApiError {}
/** 403 */
export class PermissionDeniedError extends AegisApiError {}
/** 404 */
export class NotFoundError extends AegisApiError {}
/** 409 */
export class ConflictError extends AegisApiError {}
/** 413 */
export class PayloadTooLargeError extends AegisApiError {}
/** 422 */
export class UnprocessableEntityError extends AegisApiError {}
/** 429 */
export class RateLimitError extends AegisApiError {}
/** 501: the server was not configured for this, e.g. billing. */
export class NotConfiguredError extends AegisApiError {}
/** 500 and above. */
export class ServerError extends AegisApiError {}

const classes: Readonly<Record<number, typeof AegisApiError>> = {
  400: BadRequestError,
  401: AuthenticationError,
  402: PaymentRequiredError,
  403: PermissionDeniedError,
  404: NotFoundError,
  409: ConflictError,
  413: PayloadTooLargeError,
  422: UnprocessableEntityError,
  429: RateLimitError,
  501: NotConfiguredError,
}

/** The error class that belongs to the status. */
export function apiError(failure: ApiFailure): AegisApiError {
  const ErrorClass = classes[failure.status] ?? (failure.status >= 500 ? ServerError : AegisApiError)
  return new ErrorClass(failure)
}

function textOf(body: unknown, key: string): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const value = (body as Record<string, unknown>)[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}
