/**
 * Time as the server sees it. Countdowns run against the server's clock; a laptop that is minutes off must not show an
 * approval as expired that is not. The `Date` header has whole seconds, so small differences are noise and ignored.
 */
let offset = 0

export function learnServerTime(dateHeader: string | null, localNow: number = Date.now()): void {
  const server = dateHeader ? Date.parse(dateHeader) : Number.NaN
  if (Number.isNaN(server)) return
  const difference = server - localNow
  offset = Math.abs(difference) > 3_000 ? difference : 0
}

/** Milliseconds since 1970 on the server's clock. */
export function serverNow(localNow: number = Date.now()): number {
  return localNow + offset
}
