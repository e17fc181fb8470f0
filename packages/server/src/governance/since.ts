import { BadRequest } from '../errors.ts'
import { type Micros, microsOf, parseWireTime } from '../storage/instants.ts'

const DAY_MS = 86_400_000
const UNIT_MS = { h: 3_600_000, d: DAY_MS, m: 60_000 } as const
const LARGEST_NUMBER = 3650
const LONGEST_TEXT = 100

/**
 * The beginning of a window: nothing for 24 hours ago, `<n>h`, `<n>d` or `<n>m` ago, or an ISO 8601 instant.
 *
 * @param now milliseconds since the Unix epoch
 * @throws BadRequest
 */
export function sinceOf(text: unknown, now: number): Micros {
  if (text === undefined) return microsOf(now - DAY_MS)
  const invalid = new BadRequest(`Invalid since value: ${String(text).slice(0, 200)}`, 'invalid_since')
  if (typeof text !== 'string' || text.length > LONGEST_TEXT) throw invalid
  const duration = /^(\d+)([hdm])$/.exec(text)
  if (duration) {
    const [, digits = '', unit = 'h'] = duration
    if (Number(digits) > LARGEST_NUMBER)
      throw new BadRequest(`Duration too large: ${text.slice(0, 200)} (max 10 years)`, 'duration_too_large')
    return microsOf(now - Number(digits) * UNIT_MS[unit as keyof typeof UNIT_MS])
  }
  // A bare number is no instant here, though it is one elsewhere. The plus of an offset arrives as a blank.
  const instant = /^\d{4}-/.test(text) ? parseWireTime(text.replace(/(T.*) (\d\d:?\d\d)$/, '$1+$2')) : null
  if (instant === null) throw invalid
  return instant
}
