const grammar = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/

/**
 * Seconds since 1970 of an instant as RFC 3339 writes it with a zone, rounded down: only the whole second is signed.
 * Null for everything else, also for what other readers guess (no zone, lower case, a blank for the `T`, second 60).
 */
export function unixSecondsOf(text: string): number | null {
  if (!grammar.test(text)) return null
  const part = (start: number, end: number) => Number(text.slice(start, end))
  const [year, month, day] = [part(0, 4), part(5, 7), part(8, 10)]
  const [hour, minute, second] = [part(11, 13), part(14, 16), part(17, 19)]
  const [zoneHours, zoneMinutes] = text.endsWith('Z') ? [0, 0] : [part(-5, -3), part(-2, text.length)]
  const offset = (text.at(-6) === '-' ? -1 : 1) * (zoneHours * 60 + zoneMinutes)
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return null
  if (hour > 23 || minute > 59 || second > 59 || zoneHours > 23 || zoneMinutes > 59) return null
  // `Date.UTC` takes years below 100 as those of the last century.
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset * 60
}

function daysOf(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}
