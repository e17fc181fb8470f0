import type { Coded } from '../errors.ts'

/** The server answered with a status of 400 or more, or with a redirect, which is never followed. */
export class EdictumServerError extends Error implements Coded<'EDICTUM_SERVER_ERROR'> {
  readonly code = 'EDICTUM_SERVER_ERROR'
  readonly statusCode: number
  /** The body as the server sent it. */
  readonly detail: string
  /** Seconds the server asks to wait (`Retry-After`); null when it does not say. */
  readonly retryAfterSeconds: number | null

  constructor(statusCode: number, detail: string, retryAfterSeconds: number | null = null) {
    super(`HTTP ${statusCode}: ${detail}`)
    this.name = 'EdictumServerError'
    this.statusCode = statusCode
    this.detail = detail
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** The server could not be reached, or did not answer in time. `cause` is what the network said. */
export class EdictumConnectionError extends Error implements Coded<'EDICTUM_CONNECTION_ERROR'> {
  readonly code = 'EDICTUM_CONNECTION_ERROR'

  constructor(message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'EdictumConnectionError'
  }
}

/** A bundle whose signature is missing, malformed or not made by the configured key. */
export class BundleVerificationError extends Error implements Coded<'EDICTUM_BUNDLE_VERIFICATION'> {
  readonly code = 'EDICTUM_BUNDLE_VERIFICATION'

  constructor(message: string) {
    super(message)
    this.name = 'BundleVerificationError'
  }
}

/** The receipt of an approval is missing, about something else, or not signed by a key this guard trusts. */
export class ApprovalReceiptError extends Error implements Coded<'EDICTUM_APPROVAL_RECEIPT'> {
  readonly code = 'EDICTUM_APPROVAL_RECEIPT'

  constructor(problem: string) {
    super(`The receipt of the approval does not hold: ${problem}.`)
    this.name = 'ApprovalReceiptError'
  }
}
