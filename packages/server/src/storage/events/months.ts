import type { Micros } from '../instants.ts'

/** A calendar month (UTC), as a partition of the events. */
export interface Month {
  /** `YYYY_MM`. */
  readonly name: string
  /** Inclusive. */
  readonly start: Micros
  /** Exclusive. */
  readonly end: Micros
}

/** The month that holds the instant, or one so many months after it. */
export function monthOf(instant: Micros, later = 0): Month {
  const date = new Date(Math.floor(instant / 1000))
  const at = (offset: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + later + offset) * 1000
  const start = at(0)
  return { name: new Date(start / 1000).toISOString().slice(0, 7).replace('-', '_'), start, end: at(1) }
}

/** @throws RangeError for what is no month's name. */
export function monthNamed(name: string): Month {
  const [, year, month] = /^(\d{4})_(\d{2})$/.exec(name) ?? []
  return monthOf(Date.parse(`${year}-${month}-01T00:00:00Z`) * 1000)
}
