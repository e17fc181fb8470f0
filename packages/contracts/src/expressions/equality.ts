import { hasOtherKeys } from '../plain/other-keys.ts'

/** Deeper than any literal a bundle can hold (`MAX_YAML_DEPTH`), so only a hostile argument gets here. */
const MAX_DEPTH = 200

/**
 * Whether a value equals a literal of a bundle, by Python's `==` on JSON values: booleans are the numbers 1 and 0, strings
 * equal only strings, arrays and objects compare deeply, NaN equals nothing. An integer literal beyond 2^53 equals the number
 * that JSON would carry it as; a big integer equals only what it is. Throws `RangeError` beyond 200 levels.
 *
 * @param a the value
 * @param b the literal
 */
export function pythonEquals(a: unknown, b: unknown, depth = 0): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b
  if (isNumeric(a)) return isNumeric(b) && sameNumber(a, b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  if (depth > MAX_DEPTH) throw new RangeError('The values are nested too deeply to compare')
  if (Array.isArray(a)) {
    return (
      Array.isArray(b) && a.length === b.length && a.every((item, index) => pythonEquals(item, b[index], depth + 1))
    )
  }
  if (Array.isArray(b)) return false
  if (a instanceof Date || b instanceof Date) {
    return a instanceof Date && b instanceof Date && a.getTime() === b.getTime()
  }
  if (hasOtherKeys(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every(
    (key) =>
      Object.hasOwn(b, key) &&
      pythonEquals((a as Record<string, unknown>)[key] ?? null, (b as Record<string, unknown>)[key] ?? null, depth + 1),
  )
}

export function isNumeric(value: unknown): value is number | boolean | bigint {
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
}

function sameNumber(value: number | boolean | bigint, literal: number | boolean | bigint): boolean {
  // biome-ignore lint/suspicious/noDoubleEquals: a big integer equals a number of the same value only loosely
  return typeof value === 'bigint' ? value == literal : Number(value) === Number(literal)
}
