/** The dates of bundles, which may be of a day alone or of no time zone, as JavaScript's are not. */
const written = new WeakMap<Date, string>()

/** Notes how Python's `str` writes a date of a bundle, for example `2024-01-01` or `2024-01-01 10:00:00+02:00`. */
export function noteDateText(date: Date, text: string): void {
  written.set(date, text)
}

/** A date as Python's `str` writes it. One that no bundle wrote is in UTC. */
export function dateText(date: Date): string {
  const noted = written.get(date)
  if (noted !== undefined) return noted
  if (Number.isNaN(date.getTime())) return 'Invalid Date'
  const [day, time = ''] = date.toISOString().split('T')
  return `${day} ${time.replace(/(?:\.000|(\.\d{3}))Z$/, (_, fraction?: string) => (fraction ? `${fraction}000` : ''))}+00:00`
}

/** Plain data with every date in it as text, as events carry it. The same object where there is none. */
export function withDatesAsText(value: unknown): unknown {
  if (value instanceof Date) return dateText(value)
  if (Array.isArray(value)) {
    const items = value.map(withDatesAsText)
    return items.some((item, index) => item !== value[index]) ? items : value
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, item]) => [key, withDatesAsText(item)] as const)
  const isSame = entries.every(([key, item]) => item === (value as Record<string, unknown>)[key])
  return isSame ? value : Object.fromEntries(entries)
}
