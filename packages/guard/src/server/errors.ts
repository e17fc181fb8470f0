/** The server answered with a status of 400 or more, or with a redirect, which is never followed. */
export class EdictumServerError extends Error {
  readonly code = 'EDICTUM_SERVER_ERROR'
  readonly statusCode: number
  /** The body as the server sent it. */
  readonly detail: string

  constructor(statusCode: number, detail: string) {
    super(`HTTP ${statusCode}: ${detail}`)
    this.name = 'EdictumServerError'
    this.statusCode = statusCode
    this.detail = detail
  }
}

/** The server could not be reached, or did not answer in time. `cause` is what the network said. */
export class EdictumConnectionError extends Error {
  readonly code = 'EDICTUM_CONNECTION_ERROR'

  constructor(message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'EdictumConnectionError'
  }
}

/** A bundle whose signature is missing, malformed or not made by the configured key. */
export class BundleVerificationError extends Error {
  readonly code = 'EDICTUM_BUNDLE_VERIFICATION'

  constructor(message: string) {
    super(message)
    this.name = 'BundleVerificationError'
  }
}
