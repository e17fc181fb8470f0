const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** Bytes as people write them, with at most one decimal. */
export function bytes(count: number): string {
  const step = count < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(count) / 10))
  const value = count / 1_024 ** step
  return `${value.toLocaleString(undefined, { maximumFractionDigits: step === 0 ? 0 : 1 })} ${UNITS[step]}`
}

/** What stands for "no limit" on the wire: as large as a number may be. */
export const limitOf = (value: number): number | null => (value >= Number.MAX_SAFE_INTEGER ? null : value)
