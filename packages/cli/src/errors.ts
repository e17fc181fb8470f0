/** What ends a command early, with what the shell is told: 1 failed or denied, 2 used wrongly. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: 1 | 2
  /** Stable, for `--output json`. */
  readonly code: string
  /** What to do about it. */
  readonly hint: string | null
  /** More for `--output json`, beside `error` and `code`. */
  readonly details: Readonly<Record<string, unknown>>
  /** Lines for a person that say it all, with the place of the error; they stand in for the message. */
  readonly excerpt: readonly string[]

  constructor(code: string, message: string, options: CliErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.exitCode = options.exitCode ?? 1
    this.hint = options.hint ?? null
    this.details = options.details ?? {}
    this.excerpt = options.excerpt ?? []
  }
}

export interface CliErrorOptions {
  readonly exitCode?: 1 | 2
  readonly hint?: string
  readonly details?: Readonly<Record<string, unknown>>
  readonly excerpt?: readonly string[]
  readonly cause?: unknown
}
