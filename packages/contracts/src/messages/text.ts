import { dateText } from '../plain/dates.ts'

/**
 * A value as text inside a message, in Python's notation as agents in the field print it: strings
 * as they are, `True` and `False`, arrays and objects as literals. At most about `MAX_LENGTH` characters are produced.
 */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value
  return literal(value, 0)
}

/** Far more than a placeholder may keep; it only stops a huge argument from being printed in full. */
const MAX_LENGTH = 2000
const MAX_DEPTH = 20

function literal(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'boolean':
      return value ? 'True' : 'False'
    case 'string':
      return quoted(value)
    case 'number':
      return number(value)
    case 'object':
      if (value === null) return 'None'
      if (value instanceof Date) return dateText(value)
      return depth >= MAX_DEPTH ? '...' : container(value, depth)
    case 'undefined':
      return 'None'
    default:
      return String(value)
  }
}

function number(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  const text = String(value)
  if (Number.isInteger(value) || Math.abs(value) >= 1e-4) return text
  return exponential(value)
}

/** A number that Python holds as a float, which it also shows when it is whole: `1000.0`, `1e+16`. */
export function floatText(value: number): string {
  if (!Number.isInteger(value)) return number(value)
  if (Math.abs(value) >= 1e16) return value.toExponential()
  return `${Object.is(value, -0) ? '-0' : value}.0`
}

/** Python writes fractions below 0.0001 with an exponent of at least two digits. */
function exponential(value: number): string {
  return value.toExponential().replace(/e-(\d)$/, 'e-0$1')
}

function quoted(text: string): string {
  const short = text.length > MAX_LENGTH ? text.slice(0, MAX_LENGTH) : text
  const safe = short
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll(INVISIBLE, escaped)
  return safe.includes("'") && !safe.includes('"') ? `"${safe}"` : `'${safe.replaceAll("'", "\\'")}'`
}

/** What Python's `repr` does not print as it is: all of Unicode's other and separator characters but the space. */
const INVISIBLE = /(?! )[\p{C}\p{Z}]/gu

function escaped(character: string): string {
  const code = character.codePointAt(0) as number
  const digits = code.toString(16)
  if (code < 0x100) return `\\x${digits.padStart(2, '0')}`
  return code < 0x10000 ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`
}

function container(value: object, depth: number): string {
  const isArray = Array.isArray(value)
  const parts: string[] = []
  let length = 0
  for (const key of Object.keys(value)) {
    const item = literal((value as Record<string, unknown>)[key], depth + 1)
    const part = isArray ? item : `${quoted(key)}: ${item}`
    parts.push(part)
    length += part.length
    if (length > MAX_LENGTH) break
  }
  return isArray ? `[${parts.join(', ')}]` : `{${parts.join(', ')}}`
}
