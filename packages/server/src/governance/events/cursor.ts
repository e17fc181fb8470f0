import { InvalidInput } from '../../errors.ts'
import type { EventPlace } from './store.ts'

/** A place in the list of events as clients hold it: opaque, and good for as long as the events are. */
export const cursorOf = ({ timestamp, number }: EventPlace): string =>
  Buffer.from(`${timestamp}.${number}`).toString('base64url')

/** @throws InvalidInput for anything that `cursorOf` did not make. */
export function placeOf(cursor: string): EventPlace {
  const [timestamp, number, ...rest] = Buffer.from(cursor, 'base64url').toString().split('.').map(Number)
  if (Number.isSafeInteger(timestamp) && Number.isSafeInteger(number) && rest.length === 0)
    return { timestamp: timestamp as number, number: number as number }
  throw new InvalidInput([{ loc: ['query', 'cursor'], msg: 'Input should be the X-Next-Cursor of an earlier answer' }])
}
