import { jsonIn } from '@lictor/wire'

/** An object as events tell it: of each of these fields its size, in bytes of its JSON, or of a text. */
export function concealed(value: unknown, names: readonly string[] = []): unknown {
  if (names.length === 0 || typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const bytes = (field: unknown) => Buffer.byteLength(typeof field === 'string' ? field : (JSON.stringify(field) ?? ''))
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, names.includes(name) ? { bytes: bytes(field) } : field]),
  )
}

/** A text that holds such an object as JSON; any other text as it is. */
export function concealedText(text: string, names: readonly string[] = []): string {
  const value = names.length === 0 ? undefined : jsonIn(text)
  return typeof value === 'object' && value !== null ? JSON.stringify(concealed(value, names)) : text
}
