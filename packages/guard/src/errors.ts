import { EdictumConfigError } from '@lictor/contracts'

export { EdictumConfigError }

/** What may be wrong with something handed in by code. */
export type ConfigErrorCode =
  | 'config'
  | 'too_large'
  | 'unreadable_file'
  | 'server_assignment'
  | 'server_fetch'
  | 'server_bundle'

/** The stable code of every error that this package throws of its own accord. */
export type GuardErrorCode =
  | ConfigErrorCode
  | 'EDICTUM_DENIED'
  | 'EDICTUM_TOOL_ERROR'
  | 'EDICTUM_PENDING'
  | 'EDICTUM_MARK_EVICTED'
  | 'EDICTUM_SERVER_ERROR'
  | 'EDICTUM_CONNECTION_ERROR'
  | 'EDICTUM_BUNDLE_VERIFICATION'
  | 'EDICTUM_APPROVAL_RECEIPT'

/** An error whose code is one of the package's own. */
export interface Coded<Code extends GuardErrorCode> {
  readonly code: Code
}

/** A configuration error of the guard itself: something handed in by code, not a place in a document. */
export function configError(
  message: string,
  options: { readonly code?: ConfigErrorCode; readonly cause?: unknown } = {},
): EdictumConfigError {
  const error = new EdictumConfigError([
    { code: options.code ?? 'config', path: '', line: null, column: null, message },
  ])
  if (options.cause !== undefined) error.cause = options.cause
  return error
}

/** `run()` refused the call: a contract, a hook, a limit or a human said no. */
export class EdictumDenied extends Error implements Coded<'EDICTUM_DENIED'> {
  readonly code = 'EDICTUM_DENIED'
  readonly reason: string | null
  readonly decisionSource: string | null
  readonly decisionName: string | null

  constructor(reason: string | null, decisionSource: string | null = null, decisionName: string | null = null) {
    super(reason ?? '')
    this.name = 'EdictumDenied'
    this.reason = reason
    this.decisionSource = decisionSource
    this.decisionName = decisionName
  }
}

/**
 * The call waits for a person, and whoever makes it need not: made again in the same session, with the same id and arguments, it
 * goes by what was decided meanwhile. Only calls that were made `durable` throw it.
 */
export class EdictumPending extends Error implements Coded<'EDICTUM_PENDING'> {
  readonly code = 'EDICTUM_PENDING'
  readonly approvalId: string
  readonly toolName: string
  readonly toolArgs: Readonly<Record<string, unknown>>
  /** What the person is asked. */
  readonly question: string

  constructor(approvalId: string, toolName: string, toolArgs: Readonly<Record<string, unknown>>, question: string) {
    super(`'${toolName}' waits for approval ${approvalId}.`)
    this.name = 'EdictumPending'
    this.approvalId = approvalId
    this.toolName = toolName
    this.toolArgs = toolArgs
    this.question = question
  }
}

/**
 * The tool itself failed: it threw, or its result was judged a failure. The message is what it said, redacted when a
 * contract redacted it; `cause` is then absent, because it would carry what was taken out, and `result` is what the contract
 * left of a result that said it failed.
 */
export class EdictumToolError extends Error implements Coded<'EDICTUM_TOOL_ERROR'> {
  readonly code = 'EDICTUM_TOOL_ERROR'
  readonly result: unknown

  constructor(message: string, options: { readonly cause?: unknown; readonly result?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'EdictumToolError'
    this.result = options.result
  }
}

/** `sinceMark()` was asked for events the ring buffer no longer holds. */
export class MarkEvictedError extends Error implements Coded<'EDICTUM_MARK_EVICTED'> {
  readonly code = 'EDICTUM_MARK_EVICTED'

  constructor(mark: number, oldest: number) {
    super(
      `Mark ${mark} is older than the oldest retained event (${oldest}); read more often or raise maxEvents of the CollectingAuditSink.`,
    )
    this.name = 'MarkEvictedError'
  }
}
