/** A number as it is written: `1.0` and `1` are two spellings, and what was signed is a spelling. */
export class JsonNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** An object: a map, because names such as `__proto__`, `10` and `9` mean nothing here and keep their order. */
export type JsonObject = ReadonlyMap<string, Json>

/** A JSON value that has lost nothing of its text but white space and the spelling of its strings. */
export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject

export const isJsonObject = (value: Json | undefined): value is JsonObject => value instanceof Map

/**
 * The value as JavaScript has it. Whole numbers beyond 2^53 become `bigint`: they are never rounded, and neither are those that are
 * written with a fraction or an exponent, unless a double holds all their digits, as it does of what a client wrote from a double.
 * @throws RangeError for a number that no double holds (`1e400`)
 */
export function toValue(json: Json): unknown {
  if (json instanceof JsonNumber) return numberOf(json.text)
  if (Array.isArray(json)) return json.map(toValue)
  if (!(json instanceof Map)) return json
  const value: Record<string, unknown> = {}
  for (const [name, member] of json as JsonObject) {
    // An ordinary assignment to this name would change the object's prototype.
    if (name === '__proto__')
      Object.defineProperty(value, name, {
        value: toValue(member),
        enumerable: true,
        writable: true,
        configurable: true,
      })
    else value[name] = toValue(member)
  }
  return value
}

function numberOf(text: string): number | bigint {
  const number = Number(text)
  if (Number.isSafeInteger(number)) return number
  // Before anything is made of its digits: a million of them cost a second.
  if (!Number.isFinite(number)) throw new RangeError(`The number ${text.slice(0, 40)} is larger than a double holds.`)
  if (/^-?\d+$/.test(text)) return BigInt(text)
  // Fifteen digits are always those of the double.
  return Math.abs(number) < 2 ** 53 || text.length <= 15 ? number : (roundedWhole(text, String(number)) ?? number)
}

/** The whole number of a spelling whose digits are not those of the double; null where they are, or where it is none. */
function roundedWhole(text: string, double: string): bigint | null {
  const [given, held] = [decimalOf(text), decimalOf(double)]
  if (given.digits === held.digits || given.exponent < 0) return null
  return BigInt(text.startsWith('-') ? `-${given.digits}` : given.digits) * 10n ** BigInt(given.exponent)
}

/** Its digits without zeros at either end, and the power of ten that they are counted in. */
function decimalOf(text: string): { digits: string; exponent: number } {
  const [mantissa = '', power = '0'] = text.replace(/^-/, '').split(/e/i)
  const [whole = '', fraction = ''] = mantissa.split('.')
  const written = (whole + fraction).replace(/^0+/, '')
  let end = written.length
  while (written[end - 1] === '0') end--
  const digits = written.slice(0, end)
  return { digits, exponent: Number(power) - fraction.length + written.length - digits.length }
}

/**
 * A value of JavaScript as `JSON.stringify` would write it: without `undefined` and functions, with what `toJSON` gives. Each
 * getter and each `toJSON` is asked once, so that what is signed is what is sent. `bigint` is written as a whole number.
 * @throws TypeError for NaN, an infinity, a cycle, or more than 128 levels
 */
export function fromValue(value: unknown, name = ''): Json | undefined {
  return read(value, name, 0)
}

export const DEEPEST = 128

function read(given: unknown, name: string, depth: number): Json | undefined {
  if (depth > DEEPEST) throw new TypeError(`The value is nested deeper than ${DEEPEST} levels, or contains itself.`)
  let value = given
  const toJson = (value as { toJSON?: unknown } | null | undefined)?.toJSON
  if (typeof toJson === 'function') value = toJson.call(value, name) as unknown
  if (value instanceof JsonNumber) return value
  if (value instanceof Number || value instanceof String || value instanceof Boolean) value = value.valueOf()
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'bigint':
      return new JsonNumber(String(value))
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`${value} at '${name}' has no form in JSON.`)
      // As JSON writes it: -0 is 0.
      return new JsonNumber(JSON.stringify(value))
    case 'object':
      break
    default:
      return undefined
  }
  if (value === null) return null
  if (Array.isArray(value)) return value.map((item, index) => read(item, String(index), depth + 1) ?? null)
  const members = new Map<string, Json>()
  for (const key of Object.keys(value as object)) {
    const member = read((value as Record<string, unknown>)[key], key, depth + 1)
    if (member !== undefined) members.set(key, member)
  }
  return members
}
