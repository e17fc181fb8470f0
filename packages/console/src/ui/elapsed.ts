/** A length of time as it is read beside others: "84 ms", "2.7 s", "4 min 05 s", "3 h 12 min". In milliseconds. */
export function elapsed(milliseconds: number): string {
  const length = Math.max(0, milliseconds)
  if (length < 1_000) return `${Math.round(length)} ms`
  if (length < 60_000) return `${(Math.floor(length / 100) / 10).toFixed(1)} s`
  const seconds = Math.floor(length / 1_000)
  const two = (n: number) => String(n).padStart(2, '0')
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
  return `${Math.floor(seconds / 3_600)} h ${two(Math.floor(seconds / 60) % 60)} min`
}
