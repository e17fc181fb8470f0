/**
 * A value as text inside a message, in Python's notation as agents in the field print it (contract-language §7.1): strings
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
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
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
  return String(value)
}

function quoted(text: string): string {
  const short = text.length > MAX_LENGTH ? text.slice(0, MAX_LENGTH) : text
  const escaped = short.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')
  return escaped.includes("'") && !escaped.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`
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
