/** Deeper than any literal a bundle can hold (50 levels), so only a hostile argument gets here. */
const MAX_DEPTH = 200

/**
 * Python's `==` on JSON values (contract-language §5.3, D4): booleans are the numbers 1 and 0, strings equal only strings,
 * arrays and objects compare deeply, NaN equals nothing. Throws `RangeError` beyond 200 levels.
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

function sameNumber(a: number | boolean | bigint, b: number | boolean | bigint): boolean {
  // biome-ignore lint/suspicious/noDoubleEquals: a big integer equals a number of the same value only loosely
  return typeof a === 'bigint' || typeof b === 'bigint' ? a == b : Number(a) === Number(b)
}
