/**
 * The one JSON text of a value (RFC 8785): no blanks, keys in the order of their UTF-16 code units, numbers and texts as
 * ECMAScript writes them. For values as `JSON.parse` makes them.
 * @throws TypeError for what JSON cannot hold
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object') {
    const members = value as Readonly<Record<string, unknown>>
    const pairs = Object.keys(members)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(members[key])}`)
    return `{${pairs.join(',')}}`
  }
  throw new TypeError(`JSON has no ${typeof value === 'number' ? String(value) : typeof value}.`)
}
