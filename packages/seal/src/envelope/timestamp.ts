const grammar = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|([+-])(\d\d):(\d\d))$/

/**
 * Seconds since 1970 of an instant as RFC 3339 writes it with a zone, rounded down: only the whole second is signed.
 * Null for everything else, also for what other readers guess (no zone, lower case, a blank for the `T`, second 60).
 */
export function unixSecondsOf(text: string): number | null {
  const found = grammar.exec(text)
  if (!found) return null
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number)
  const [, , , , , , , sign, zoneHours, zoneMinutes] = found
  const offset = sign === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(zoneHours) * 60 + Number(zoneMinutes))
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return null
  if (hour > 23 || minute > 59 || second > 59 || Number(zoneHours ?? 0) > 23 || Number(zoneMinutes ?? 0) > 59)
    return null
  // `Date.UTC` takes years below 100 as those of the last century.
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset * 60
}

function daysOf(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}
