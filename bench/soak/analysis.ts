/** Whether a series of samples grows. */

export interface Sample {
  readonly hours: number
  readonly mib: number
}

export interface Trend {
  /** MiB an hour over the last two thirds. */
  readonly slope: number
  /** Half the width of the slope's 95 % interval, widened for samples that depend on the ones before. */
  readonly margin: number
  /** Mean of the last third over that of the middle third. */
  readonly ratio: number
}

/** The first third is warm-up: caches fill, the engine compiles. At least nine samples. */
export function trendOf(samples: readonly Sample[]): Trend {
  const settled = samples.slice(Math.floor(samples.length / 3))
  const middle = settled.slice(0, Math.floor(settled.length / 2))
  const last = settled.slice(Math.floor(settled.length / 2))
  const meanX = mean(settled.map(({ hours }) => hours))
  const meanY = mean(settled.map(({ mib }) => mib))
  const spread = sum(settled.map(({ hours }) => (hours - meanX) ** 2))
  const slope = sum(settled.map(({ hours, mib }) => (hours - meanX) * (mib - meanY))) / spread
  const rest = settled.map(({ hours, mib }) => mib - meanY - slope * (hours - meanX))
  const variance = sum(rest.map((one) => one ** 2)) / (settled.length - 2)
  return {
    slope,
    margin: 1.96 * Math.sqrt((variance / spread) * dependence(rest)),
    ratio: mean(last.map(({ mib }) => mib)) / mean(middle.map(({ mib }) => mib)),
  }
}

/** How many times more the mean of these varies than if they were independent: by their correlation with the one before. */
function dependence(rest: readonly number[]): number {
  const power = sum(rest.map((one) => one ** 2))
  if (power === 0) return 1
  const next = sum(rest.slice(1).map((one, index) => one * (rest[index] ?? 0)))
  const correlation = Math.min(Math.max(next / power, 0), 0.95)
  return (1 + correlation) / (1 - correlation)
}

/** Growth that is surely there, and more than this many MiB an hour. */
export const isLeak = (trend: Trend, tolerated: number): boolean =>
  trend.slope - trend.margin > tolerated && trend.ratio > 1.02

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)
const mean = (numbers: readonly number[]): number => sum(numbers) / numbers.length
