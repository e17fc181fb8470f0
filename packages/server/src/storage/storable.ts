/** How U+0000 is kept: the sign that stands for it. */
const VISIBLE_NUL = '\u2400'

/**
 * Text as both databases keep it alike. PostgreSQL refuses U+0000, and neither keeps half of a surrogate pair: models, programs and
 * file names bring both, and nothing that is recorded may fail over it. What is looked up goes the same way, and is found.
 */
export function storableText(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed()
  return whole.includes('\0') ? whole.replaceAll('\0', VISIBLE_NUL) : whole
}

/** The parameters of a statement, with its texts storable. The same list where nothing had to change. */
export function storableParameters<T extends readonly unknown[]>(parameters: T): T {
  const isUnchanged = parameters.every((value) => typeof value !== 'string' || storableText(value) === value)
  return isUnchanged
    ? parameters
    : (parameters.map((value) => (typeof value === 'string' ? storableText(value) : value)) as unknown as T)
}
