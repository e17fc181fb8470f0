/** What templates may call beside `if`, `unless`, `each`, `with` and `lookup`. Values are JSON; the last argument is the renderer's own. */
export const helpers: Readonly<Record<string, (...given: unknown[]) => unknown>> = {
  /** Of a text, a list, or the keys of an object. */
  length: (value) => {
    if (typeof value === 'string' || Array.isArray(value)) return value.length
    return isObject(value) ? Object.keys(value).length : 0
  },
  upper: (value) => text(value).toUpperCase(),
  lower: (value) => text(value).toLowerCase(),
  trim: (value) => text(value).trim(),
  json: (value) => JSON.stringify(value, null, 2) ?? 'null',
  first_line: (value) => text(value).split(/\r?\n/, 1)[0],
  /** The value, or `fallback` where it is missing, null or empty. */
  default: (value, fallback) => (value === undefined || value === null || value === '' ? fallback : value),
  keys: (value) => (isObject(value) ? Object.keys(value) : []),
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

function text(value: unknown): string {
  if (value === undefined || value === null) return ''
  return isObject(value) ? JSON.stringify(value) : String(value)
}
