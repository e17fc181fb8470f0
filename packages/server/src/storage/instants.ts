/** Instants are whole microseconds since the Unix epoch: what Python clients send survives, and both dialects hold it as a bigint. */
export type Micros = number

export const microsOf = (milliseconds: number): Micros => Math.round(milliseconds) * 1000

/** ISO 8601 UTC with `Z`; six fraction digits only when non-zero. */
export function toWireTime(instant: Micros): string {
  const seconds = Math.floor(instant / 1_000_000)
  const fraction = instant - seconds * 1_000_000
  const text = new Date(seconds * 1000).toISOString().slice(0, 19)
  return fraction === 0 ? `${text}Z` : `${text}.${String(fraction).padStart(6, '0')}Z`
}

export const toWireTimeOrNull = (instant: Micros | null): string | null =>
  instant === null ? null : toWireTime(instant)

const iso = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*([Zz]|[+-]\d\d(?::?\d\d)?)?$/

/**
 * An instant as clients send it: ISO 8601 (naive means UTC), or a number of seconds, or of milliseconds when large.
 * Null when it is none, or outside the years 1 to 9999.
 */
export function parseWireTime(value: string | number): Micros | null {
  if (typeof value === 'number' || /^[+-]?\d+(\.\d+)?$/.test(value)) return fromNumber(Number(value))
  const match = iso.exec(value.trim())
  if (!match) return null
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', offset = 'Z'] = match
  const milliseconds = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  )
  const check = new Date(milliseconds)
  if (check.getUTCMonth() !== Number(month) - 1 || check.getUTCDate() !== Number(day)) return null
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59 || Number(year) < 1) return null
  return milliseconds * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6)) - offsetMinutes(offset) * 60_000_000
}

function fromNumber(value: number): Micros | null {
  if (!Number.isFinite(value)) return null
  const seconds = Math.abs(value) > 2e10 ? value / 1000 : value
  if (seconds < -62_135_596_800 || seconds > 253_402_300_799) return null
  return Math.round(seconds * 1_000_000)
}

function offsetMinutes(offset: string): number {
  if (/^z$/i.test(offset)) return 0
  const sign = offset.startsWith('-') ? -1 : 1
  const digits = offset.slice(1).replace(':', '')
  return sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || '0'))
}
