import { noteDateText } from '../../plain/dates.ts'
import { YamlError } from './tokens.ts'

export type ScalarTag = 'str' | 'null' | 'bool' | 'int' | 'float' | 'timestamp' | 'merge' | 'value'

const BOOL = /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/
const INT =
  /^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/
const FLOAT =
  /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/
const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/
const TIMESTAMP =
  /^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]*))?(?:[ \t]*(Z|([-+])([0-9]{1,2})(?::([0-9]{2}))?))?)?$/

/** What a plain scalar means in YAML 1.1 as agents in the field read it. */
export function resolvePlain(text: string): ScalarTag {
  switch (text.charCodeAt(0)) {
    case 121: // y
    case 89:
    case 116: // t
    case 84:
    case 102: // f
    case 70:
    case 111: // o
    case 79:
      return text.length <= 5 && BOOL.test(text) ? 'bool' : 'str'
    case 110: // n
    case 78:
      if (text === 'null' || text === 'Null' || text === 'NULL') return 'null'
      return text.length <= 2 && BOOL.test(text) ? 'bool' : 'str'
    case 126:
      return text === '~' ? 'null' : 'str'
    case 60:
      return text === '<<' ? 'merge' : 'str'
    case 61:
      return text === '=' ? 'value' : 'str'
    case 43:
    case 45:
    case 46:
    case 48:
    case 49:
    case 50:
    case 51:
    case 52:
    case 53:
    case 54:
    case 55:
    case 56:
    case 57:
      if (FLOAT.test(text)) return 'float'
      if (INT.test(text)) return 'int'
      if (DATE.test(text) || (text.includes(':') && TIMESTAMP.test(text))) return 'timestamp'
      return 'str'
    default:
      return text === '' ? 'null' : 'str'
  }
}

const BOOL_VALUES: Readonly<Record<string, boolean>> = {
  yes: true,
  no: false,
  true: true,
  false: false,
  on: true,
  off: false,
}

/**
 * The value of a scalar under a tag. Integers beyond 2^53 come as `bigint`, dates as `Date`: both are never equal to what a
 * tool call carries by accident.
 *
 * @throws {YamlError} when the text does not fit the tag
 */
export function scalarValue(tag: ScalarTag, text: string, offset: number): unknown {
  switch (tag) {
    case 'str':
    case 'merge':
      return text
    case 'null':
      return null
    case 'bool': {
      const word = text.toLowerCase()
      if (!Object.hasOwn(BOOL_VALUES, word)) throw misfit(text, 'a boolean', offset)
      return BOOL_VALUES[word]
    }
    case 'int':
      return integer(text, offset)
    case 'float':
      return float(text, offset)
    case 'timestamp':
      return timestamp(text, offset)
    case 'value':
      throw new YamlError("a bare '=' has no value", offset, 'put it in quotes')
  }
}

/** Parts of a number such as `1:30:00`. Each costs as much as all before it. */
const MAX_SEXAGESIMAL = 100

function misfit(text: string, what: string, offset: number): YamlError {
  const shown = text.length > 60 ? `${text.slice(0, 57)}...` : text
  return new YamlError(`'${shown}' is not ${what}`, offset, 'put it in quotes if it is meant as text')
}

function integer(text: string, offset: number): number | bigint {
  let digits = text.replaceAll('_', '')
  const negative = digits.startsWith('-')
  if (negative || digits.startsWith('+')) digits = digits.slice(1)
  let value: bigint
  try {
    if (/^0[0-7]+$/.test(digits)) value = BigInt(`0o${digits.slice(1)}`)
    else if (digits.split(':', MAX_SEXAGESIMAL + 1).length > MAX_SEXAGESIMAL) throw new SyntaxError(digits)
    else if (digits.includes(':')) value = digits.split(':').reduce((sum, part) => sum * 60n + decimal(part), 0n)
    else if (/^0[bx]/.test(digits)) value = BigInt(digits)
    else if (digits.length < 16 && /^(?:0|[1-9][0-9]*)$/.test(digits))
      return negative ? -Number(digits) || 0 : Number(digits)
    else value = decimal(digits)
  } catch {
    throw misfit(text, 'an integer', offset)
  }
  if (negative) value = -value
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

/** Python refuses to read more than 4,300 decimal digits. */
function decimal(digits: string): bigint {
  if (!/^(?:0|[1-9][0-9]*|[0-5][0-9])$/.test(digits) || digits.length > 4300) throw new SyntaxError(digits)
  return BigInt(digits)
}

function float(text: string, offset: number): number {
  let digits = text.replaceAll('_', '').toLowerCase()
  const sign = digits.startsWith('-') ? -1 : 1
  if (/^[-+]/.test(digits)) digits = digits.slice(1)
  if (digits === '.inf') return sign * Number.POSITIVE_INFINITY
  if (digits === '.nan') return Number.NaN
  const value = digits.split(':').reduce((sum, part) => sum * 60 + Number(part === '' ? Number.NaN : part), 0)
  if (Number.isNaN(value)) throw misfit(text, 'a number', offset)
  return sign * value
}

function timestamp(text: string, offset: number): Date {
  const found = TIMESTAMP.exec(text)
  const field = (index: number): number => Number(found?.[index] ?? 0)
  const [year, month, day] = [field(1), field(2), field(3)]
  const [hour, minute, second] = [field(4), field(5), field(6)]
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const isReal = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  const zone = field(10) * 60 + field(11)
  if (found === null || year === 0 || !isReal || hour > 23 || minute > 59 || second > 59 || zone >= 1440) {
    throw new YamlError(`'${text}' looks like a date but is none`, offset, 'put it in quotes if it is meant as text')
  }
  const milliseconds = Math.floor(Number(`0.${found[7] || '0'}`) * 1000)
  date.setUTCHours(hour, minute, second, milliseconds)
  const moment = new Date(date.getTime() - (found[9] === '-' ? -1 : 1) * zone * 60_000)
  noteDateText(moment, timestampText(found))
  return moment
}

/** As Python writes it: six digits of a fraction that is not 0, the zone where there is one. */
function timestampText(found: RegExpExecArray): string {
  const two = (index: number): string => (found[index] ?? '').padStart(2, '0')
  const day = `${found[1]}-${two(2)}-${two(3)}`
  if (found[4] === undefined) return day
  const fraction = (found[7] ?? '').slice(0, 6).padEnd(6, '0')
  const zone = found[9] ? `${found[9]}${two(10)}:${two(11)}` : found[8] ? '+00:00' : ''
  return `${day} ${two(4)}:${two(5)}:${two(6)}${Number(fraction) === 0 ? '' : `.${fraction}`}${zone}`
}
