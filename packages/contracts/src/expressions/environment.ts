import { floatText, valueText } from '../messages/text.ts'

/** Digits of any script with optional single underscores between them, as Python's `int` reads them. */
const INTEGER = /^[+-]?\p{Nd}+(?:_\p{Nd}+)*$/u
const FLOAT = /^[+-]?(?:(?:\p{Nd}+(?:_\p{Nd}+)*)?\.?(?:\p{Nd}+(?:_\p{Nd}+)*)?(?:e[+-]?\p{Nd}+(?:_\p{Nd}+)*)?)$/iu
const SPECIAL = /^([+-]?)(inf|infinity|nan)$/i

/** What Python's `int` and `float` skip around a number: not the four separators, which `str.strip` takes for blank. */
const BLANKS = /^(?:[^\S\ufeff]|\u0085)+|(?:[^\S\ufeff]|\u0085)+$/g

/**
 * An environment variable as a value: `true` and `false` in any case, then an integer, then a
 * float, as Python reads them, else the text. An integer beyond 2^53 is a big one. Anything but a string is missing.
 */
export function coerceEnvironmentValue(raw: unknown): string | number | bigint | boolean | undefined {
  if (typeof raw !== 'string') return undefined
  const lower = raw.toLowerCase()
  if (lower === 'true') return true
  if (lower === 'false') return false
  return numberOf(raw)?.value ?? raw
}

/** An environment variable as text inside a message: a number as Python writes it, `1000.0` for `1e3`. */
export function environmentText(raw: unknown): string | undefined {
  const value = coerceEnvironmentValue(raw)
  if (value === undefined) return undefined
  return typeof value === 'number' && numberOf(String(raw))?.isFloat ? floatText(value) : valueText(value)
}

function numberOf(raw: string): { readonly value: number | bigint; readonly isFloat: boolean } | null {
  if (raw.length > MAX_NUMBER_LENGTH) return null
  const text = raw.replaceAll(BLANKS, '')
  const special = SPECIAL.exec(text)
  if (special) return { value: namedNumber(special[1] as string, special[2] as string), isFloat: true }
  if (!/\p{Nd}/u.test(text)) return null
  if (INTEGER.test(text)) return { value: integerOf(asciiDigits(text).replaceAll('_', '')), isFloat: false }
  if (!isFloat(text)) return null
  const value = Number(asciiDigits(text).replaceAll('_', ''))
  return Number.isNaN(value) ? null : { value, isFloat: true }
}

function integerOf(digits: string): number | bigint {
  const value = Number(digits)
  if (Number.isSafeInteger(value)) return value || 0
  return digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits.replace('+', ''))
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
    // The mathematical digits are five such blocks in a row.
    if (code >= 0x1d7ce && code <= 0x1d7ff) return String((code - 0x1d7ce) % 10)
    let zero = code
    while (zero > code - 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--
    return String((code - zero) % 10)
  })
}
