/** Digits of any script with optional single underscores between them, as Python's `int` reads them. */
const INTEGER = /^[+-]?\p{Nd}+(?:_\p{Nd}+)*$/u
const FLOAT = /^[+-]?(?:(?:\p{Nd}+(?:_\p{Nd}+)*)?\.?(?:\p{Nd}+(?:_\p{Nd}+)*)?(?:e[+-]?\p{Nd}+(?:_\p{Nd}+)*)?)$/iu
const SPECIAL = /^([+-]?)(inf|infinity|nan)$/i

/** Python's `str.strip` blanks: they include the four separators, and exclude the byte order mark. */
const BLANKS = /^(?:[^\S\ufeff]|[\u001c-\u001f\u0085])+|(?:[^\S\ufeff]|[\u001c-\u001f\u0085])+$/g

/**
 * An environment variable as a value (contract-language §5.1): `true` and `false` in any case, then an integer, then a
 * float, as Python reads them, else the text. Anything but a string is missing.
 */
export function coerceEnvironmentValue(raw: unknown): string | number | boolean | undefined {
  if (typeof raw !== 'string') return undefined
  const lower = raw.toLowerCase()
  if (lower === 'true') return true
  if (lower === 'false') return false
  if (raw.length > MAX_NUMBER_LENGTH) return raw
  const text = raw.replaceAll(BLANKS, '')
  const special = SPECIAL.exec(text)
  if (special) return namedNumber(special[1] as string, special[2] as string)
  if (!/\p{Nd}/u.test(text) || !(INTEGER.test(text) || isFloat(text))) return raw
  const value = Number(asciiDigits(text).replaceAll('_', ''))
  return Number.isNaN(value) ? raw : value
}

const MAX_NUMBER_LENGTH = 4300

function isFloat(text: string): boolean {
  // A mantissa needs a digit: `.5` and `5.` are numbers, `.` and `e5` are not.
  return FLOAT.test(text) && /\p{Nd}/u.test(text.split(/e/i)[0] as string)
}

function namedNumber(sign: string, name: string): number {
  if (name.toLowerCase() === 'nan') return Number.NaN
  return sign === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

/** Decimal digits of other scripts as 0 to 9: their blocks hold ten consecutive digits, the zero first. */
function asciiDigits(text: string): string {
  return text.replace(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0) as number
    if (code < 128) return digit
    let zero = code
    while (zero > code - 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--
    return String((code - zero) % 10)
  })
}
