import { kindOfObject, textOfBytes } from '../envelope/values.ts'
import type { Pattern } from '../expressions/patterns.ts'
import { REDACTED, redactText } from '../redact/patterns.ts'
import { judgedText } from './text.ts'

/** What takes secrets out of a text. Throws when the text is longer than its patterns take. */
export type Redactor = (text: string) => string

/** Without patterns the built-in ones of secrets serve. */
export function redactorOf(patterns: readonly Pattern[]): Redactor {
  if (patterns.length === 0) return redactText
  return (text) => patterns.reduce((result, pattern) => pattern.replaceAll(result, REDACTED), text)
}

/**
 * What the caller gets instead of a response: the same kind of value with the texts in it redacted, or, where that would
 * leave something of what was found (a number, a name of a property, a match over several texts), the redacted text.
 *
 * @param text the response as text
 */
export function redactResponse(response: unknown, text: string, redact: Redactor): { value: unknown; text: string } {
  const redacted = redact(text)
  if (typeof response !== 'object' || response === null) return { value: redacted, text: redacted }
  const value = redactValue(response, redact)
  const rest = judgedText(value) ?? ''
  return redact(rest) === rest ? { value, text: rest } : { value: redacted, text: redacted }
}

function redactValue(value: unknown, redact: Redactor): unknown {
  if (typeof value === 'string') return redact(value)
  if (typeof value !== 'object' || value === null) return value
  switch (kindOfObject(value)) {
    case 'array':
      return (value as readonly unknown[]).map((item) => redactValue(item, redact))
    case 'map':
      return new Map([...(value as Map<unknown, unknown>)].map(([key, item]) => [key, redactValue(item, redact)]))
    case 'set':
      return new Set([...(value as Set<unknown>)].map((item) => redactValue(item, redact)))
    case 'bytes':
      return redactBytes(value as ArrayBufferView | ArrayBuffer, redact)
    case 'date':
      return value
    case 'url':
      return redact((value as URL).href)
    case 'record':
      return redactProperties(value, Object.keys(value), redact)
    case 'foreign':
      return redactProperties(value, Object.getOwnPropertyNames(value), redact)
  }
}

function redactProperties(value: object, names: readonly string[], redact: Redactor): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, redactValue((value as Record<string, unknown>)[name], redact)]))
}

/** Bytes in which nothing is found stay as they are, text or not. Single bytes stay bytes; wider numbers become text. */
function redactBytes(value: ArrayBufferView | ArrayBuffer, redact: Redactor): unknown {
  const text = textOfBytes(value)
  const redacted = redact(text)
  if (redacted === text) return value
  if (value instanceof ArrayBuffer) return new TextEncoder().encode(redacted).buffer
  if (!(value instanceof Uint8Array)) return redacted
  const bytes = new TextEncoder().encode(redacted)
  const kind = value.constructor as { from?(bytes: Uint8Array): Uint8Array }
  return kind.from?.(bytes) ?? bytes
}
