import { kindOfObject, textOfBytes } from '../envelope/values.ts'

/**
 * A tool's response as text: strings as they are, null and undefined as null, bytes as UTF-8, objects and arrays as JSON,
 * other values by `String`. Never throws; a cycle or an unreadable part becomes a bracketed word. For records and messages;
 * contracts judge what `judgedText` says.
 */
export function responseText(response: unknown): string | null {
  if (typeof response === 'string') return response
  if (response === null || response === undefined) return null
  if (typeof response !== 'object') return safely(() => String(response), '[unreadable]')
  const kind = safely(() => kindOfObject(response), 'foreign')
  if (kind === 'bytes') return safely(() => textOfBytes(response as ArrayBufferView), '[unreadable]')
  const json = safely(() => JSON.stringify(response), undefined)
  return json ?? jsonWithoutHoles(response, new Set(), 0)
}

/** JSON text of any value, for what `JSON.stringify` refuses: cycles, big integers, getters that throw. */
function jsonWithoutHoles(value: unknown, open: Set<object>, depth: number): string {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return safely(() => JSON.stringify(value), undefined) ?? 'null'
  if (open.has(value)) return '"[circular]"'
  if (depth > MAX_DEPTH) return '"[nested too deeply]"'
  open.add(value)
  const text = safely(() => members(value, open, depth), '"[unreadable]"')
  open.delete(value)
  return text
}

function members(value: object, open: Set<object>, depth: number): string {
  if (Array.isArray(value)) {
    return `[${value.map((_, i) => member(value as never, String(i), open, depth)).join(',')}]`
  }
  const pairs = Object.keys(value).map((key) => `${JSON.stringify(key)}:${member(value as never, key, open, depth)}`)
  return `{${pairs.join(',')}}`
}

function member(owner: Record<string, unknown>, key: string, open: Set<object>, depth: number): string {
  return safely(() => jsonWithoutHoles(owner[key], open, depth + 1), '"[unreadable]"')
}

function safely<T>(compute: () => T, fallback: T): T {
  try {
    return compute()
  } catch {
    return fallback
  }
}

const MAX_DEPTH = 500
