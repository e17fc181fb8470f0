/**
 * The server's error table. Rules throw these; `http/errors.ts` turns them into the wire's shape, once.
 * A message is shown to the caller: it names the thing, what is wrong with it, and never carries a secret.
 */

/** One thing wrong with an input. `loc[0]` is `body`, `query`, `path` or `header`. */
export interface InputProblem {
  readonly loc: readonly (string | number)[]
  readonly msg: string
  /** Source position inside a submitted document, counted from 1. */
  readonly line?: number
  readonly column?: number
  readonly code?: string
  /** Inside the document, for example `contracts[3].when`. */
  readonly path?: string
  readonly hint?: string
}

export class DomainError extends Error {
  override readonly name: string = 'DomainError'
  readonly status: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>
  /** What the answer says beside the message, in the wire's words. */
  readonly members: Readonly<Record<string, unknown>>

  constructor(
    status: number,
    code: string,
    message: string,
    options?: { cause?: unknown; headers?: Record<string, string>; members?: Readonly<Record<string, unknown>> },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.status = status
    this.code = code
    this.headers = options?.headers ?? {}
    this.members = options?.members ?? {}
  }
}

export class NotFound extends DomainError {
  override readonly name = 'NotFound'
  constructor(message: string, code = 'not_found') {
    super(404, code, message)
  }
}

export class Conflict extends DomainError {
  override readonly name = 'Conflict'
  constructor(message: string, code = 'conflict', members: Readonly<Record<string, unknown>> = {}) {
    super(409, code, message, { members })
  }
}

export class Unauthenticated extends DomainError {
  override readonly name = 'Unauthenticated'
  constructor(message: string, code = 'unauthorized') {
    super(401, code, message, { headers: { 'www-authenticate': 'Bearer' } })
  }
}

export class Forbidden extends DomainError {
  override readonly name = 'Forbidden'
  constructor(message: string, code = 'forbidden') {
    super(403, code, message)
  }
}

/** A caller of the runtime API lacks a permission scope. */
export class InsufficientScope extends DomainError {
  override readonly name = 'InsufficientScope'
  readonly required: string
  constructor(required: string) {
    super(403, 'insufficient_scope', `This token lacks the scope '${required}'.`)
    this.required = required
  }
}

export class BadRequest extends DomainError {
  override readonly name = 'BadRequest'
  constructor(message: string, code = 'bad_request') {
    super(400, code, message)
  }
}

/** Input that is well-formed but wrong: `detail` is a text, or one object per problem. */
export class InvalidInput extends DomainError {
  override readonly name = 'InvalidInput'
  readonly problems: readonly InputProblem[] | null
  constructor(
    problems: string | readonly InputProblem[],
    code = 'invalid_input',
    members: Readonly<Record<string, unknown>> = {},
  ) {
    super(422, code, typeof problems === 'string' ? problems : sentenceOf(problems, code), { members })
    this.problems = typeof problems === 'string' ? null : problems
  }
}

/** What is told where only one sentence is read. A schema's words do not say what they are about: the place goes before them. */
function sentenceOf([first, ...others]: readonly InputProblem[], code: string): string {
  if (first === undefined) return 'Invalid input.'
  if (code !== 'validation') return first.msg
  return `${first.loc.join('.')}: ${first.msg}${others.length > 0 ? `, and ${others.length} more` : ''}`
}

export class PayloadTooLarge extends DomainError {
  override readonly name = 'PayloadTooLarge'
  constructor(limitBytes: number) {
    super(413, 'payload_too_large', `Request body too large. Maximum allowed: ${readableSize(limitBytes)}.`)
  }
}

export class TooManyRequests extends DomainError {
  override readonly name = 'TooManyRequests'
  /** `retryAfter` in whole seconds; null sends no `Retry-After`. */
  constructor(message: string, retryAfter: number | null) {
    super(
      429,
      'too_many_requests',
      message,
      retryAfter === null ? {} : { headers: { 'retry-after': String(retryAfter) } },
    )
  }
}

/** A refusal of the SEAL protocol, which has codes of its own. */
export class SealRefused extends DomainError {
  override readonly name = 'SealRefused'
  /** From the protocol's registry, or from 4000 for what comes after it. */
  readonly sealCode: number
  /** What an MCP client is told. */
  readonly rpcCode: number
  readonly details: Readonly<Record<string, unknown>> | null
  /** `id` of the JSON-RPC request, where it could be read. */
  requestId: string | number | null = null

  constructor(
    status: number,
    code: string,
    message: string,
    options: {
      sealCode: number
      rpcCode: number
      details?: Readonly<Record<string, unknown>>
      /** Whole seconds. */
      retryAfter?: number
    },
  ) {
    super(
      status,
      code,
      message,
      options.retryAfter === undefined ? {} : { headers: { 'retry-after': String(options.retryAfter) } },
    )
    this.sealCode = options.sealCode
    this.rpcCode = options.rpcCode
    this.details = options.details ?? null
  }
}

/** Something this server needs does not answer, or is not configured. */
export class Unavailable extends DomainError {
  override readonly name = 'Unavailable'
  constructor(message: string, options?: { cause?: unknown; retryAfter?: number; code?: string }) {
    super(503, options?.code ?? 'unavailable', message, {
      cause: options?.cause,
      headers: options?.retryAfter === undefined ? {} : { 'retry-after': String(options.retryAfter) },
    })
  }
}

/** The operator has not switched this part on (billing, mail, …). */
export class NotConfigured extends DomainError {
  override readonly name = 'NotConfigured'
  constructor(message: string, code = 'not_configured') {
    super(501, code, message)
  }
}

/** Raised before the server listens: a setting, the data folder or the database is unusable. */
export class StartupError extends Error {
  override readonly name = 'StartupError'
  readonly code: string
  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

function readableSize(bytes: number): string {
  if (bytes >= 1_048_576 && bytes % 1_048_576 === 0) return `${bytes / 1_048_576}MB`
  if (bytes >= 1024 && bytes % 1024 === 0) return `${bytes / 1024}KB`
  return `${bytes} bytes`
}
