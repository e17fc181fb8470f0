import { InvalidInput } from '../errors.ts'
import { type Micros, parseWireTime } from '../storage/instants.ts'

/** An instant from the query string, or `undefined` where none was sent. @throws InvalidInput that names the field. */
export function instantOf(text: string | undefined, field: string): Micros | undefined {
  return text === undefined ? undefined : requiredInstantOf(text, field)
}

export function requiredInstantOf(text: string, field: string): Micros {
  // A plus sign of an offset arrives as a space from clients that do not encode it.
  const instant = parseWireTime(text) ?? parseWireTime(text.replace(/ (\d\d:?\d\d)$/, '+$1'))
  if (instant === null) throw new InvalidInput([{ loc: ['query', field], msg: 'Input should be a valid datetime' }])
  // No row lies beyond what a microsecond count can hold exactly: `9999-12-31` means 'no end'.
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, instant))
}
