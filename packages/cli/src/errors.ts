/** What ends a command early, with what the shell is told (edictum-sdk §18): 1 failed or denied, 2 used wrongly. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: 1 | 2
  /** Stable, for `--output json`. */
  readonly code: string
  /** What to do about it. */
  readonly hint: string | null

  constructor(code: string, message: string, options: { exitCode?: 1 | 2; hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.exitCode = options.exitCode ?? 1
    this.hint = options.hint ?? null
  }
}
