export const REDACTED = '[REDACTED]'

/** What stands where a secret would, and is none: a variable, a gap to fill in, a word of a language, a mask. */
const PLACEHOLDER =
  /^(?:\$.?|\$\{?[A-Za-z_]\w*\}?|%\w+%|\*+|x{3,}|X{3,}|\.{3}|null|none|nil|undefined|true|false|yes|no|string|str|text|int|bool|required|optional|redacted)$/i

/** A name of a program's own: `config.apiKey`, `process.env.TOKEN`. */
const EXPRESSION = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$/

/** Whether a value that stands where a secret would is worth hiding. */
export function mayBeSecret(value: string): boolean {
  return value !== '' && !value.startsWith(REDACTED) && !PLACEHOLDER.test(value) && !EXPRESSION.test(value)
}
