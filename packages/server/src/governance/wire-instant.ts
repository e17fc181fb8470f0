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
  return instant
}
