/** Milliseconds that a `Retry-After` header asks to wait, in seconds or as a date; undefined when it says nothing that can be read. */
export function retryAfterMs(header: string | null | undefined, now: number): number | undefined {
  const value = header?.trim()
  if (!value) return undefined
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1_000
  // Dates of HTTP begin with the day's name; `Date.parse` makes a date of any number too.
  if (!/^[a-z]/i.test(value)) return undefined
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
