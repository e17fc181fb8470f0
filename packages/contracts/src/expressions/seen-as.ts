import { kindOfObject, textOfBytes } from '../envelope/values.ts'

/**
 * What a contract sees of a value: bytes as UTF-8 text, addresses and dates as the text JSON would carry, sets as lists,
 * everything else as it is.
 */
export function seenAs(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  switch (kindOfObject(value)) {
    case 'bytes':
      return textOfBytes(value as ArrayBufferView | ArrayBuffer)
    case 'url':
      return (value as URL).href
    case 'date': {
      const date = value as Date
      return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
    }
    case 'set':
      return [...(value as Set<unknown>)]
    default:
      return value
  }
}
