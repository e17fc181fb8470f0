import { EdictumConfigError } from '@lictor/contracts'

export { EdictumConfigError }

/** A configuration error of the guard itself: something handed in by code, not a place in a document. */
export function configError(
  message: string,
  options: { readonly code?: string; readonly cause?: unknown } = {},
): EdictumConfigError {
  const error = new EdictumConfigError([
    { code: options.code ?? 'config', path: '', line: null, column: null, message },
  ])
  if (options.cause !== undefined) error.cause = options.cause
  return error
}

/** `run()` refused the call: a contract, a hook, a limit or a human said no (edictum-sdk §1.3). */
export class EdictumDenied extends Error {
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
 * The tool itself failed: it threw, or its result was judged a failure. The message is what it said, redacted when a
 * contract redacted it; `cause` and `result` are then absent, because they would carry what was taken out.
 */
export class EdictumToolError extends Error {
  readonly code = 'EDICTUM_TOOL_ERROR'
  readonly result: unknown

  constructor(message: string, options: { readonly cause?: unknown; readonly result?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'EdictumToolError'
    this.result = options.result
  }
}

/** `sinceMark()` was asked for events the ring buffer no longer holds. */
export class MarkEvictedError extends Error {
  readonly code = 'EDICTUM_MARK_EVICTED'

  constructor(mark: number, oldest: number) {
    super(
      `Mark ${mark} is older than the oldest retained event (${oldest}); read more often or raise maxEvents of the CollectingAuditSink.`,
    )
    this.name = 'MarkEvictedError'
  }
}
