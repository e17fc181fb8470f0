const durationUnits: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 }

/**
 * Seconds of a duration such as `300s`, `5m`, `1h`, `1h30m` or bare seconds; `undefined` when it is none.
 */
export function parseDuration(duration: string): number | undefined {
  const trimmed = duration.trim()
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed)
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(trimmed)) return undefined
  let seconds = 0
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    seconds += Number(amount) * (durationUnits[unit ?? ''] ?? 0)
  }
  return seconds
}

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
}

/** Bytes of a size such as `512Mi`, `2G` or plain bytes; `undefined` when it is none. */
export function parseSize(size: string): number | undefined {
  const match = /^(\d+)\s*([KMGT]i?)?B?$/.exec(size.trim())
  if (!match) return undefined
  return Number(match[1]) * (sizeUnits[match[2] ?? ''] ?? 1)
}
