/** Time of one run in microseconds, as percentiles. */
export interface Timing {
  readonly p50: number
  readonly p99: number
}

const SAMPLES = 300
const SAMPLE_NANOSECONDS = 200_000

/**
 * Times a function that takes the number of the round. Short ones are run in batches of about 0.2 ms, since the clock costs
 * more than they do; a percentile is then one of batch means.
 */
export function measure(run: (round: number) => void, budgetMilliseconds = 400): Timing {
  let round = 0
  const warmUntil = now() + BigInt(Math.round(budgetMilliseconds * 1e6))
  let calls = 0
  const start = now()
  while (now() < warmUntil) {
    run(round++)
    calls++
  }
  const each = Number(now() - start) / calls
  const batch = Math.max(1, Math.round(SAMPLE_NANOSECONDS / each))
  const samples: number[] = []
  const until = now() + BigInt(Math.round(budgetMilliseconds * 2e6))
  while (samples.length < SAMPLES && (samples.length < 5 || now() < until)) {
    const from = now()
    for (let i = 0; i < batch; i++) run(round++)
    samples.push(Number(now() - from) / batch / 1000)
  }
  return percentiles(samples)
}

/** Medians of two functions in microseconds, their batches taken in turn, so that a busy machine slows both alike. */
export function measureTogether(a: (round: number) => void, b: (round: number) => void): readonly [number, number] {
  const batch = 500
  const samples: readonly [number[], number[]] = [[], []]
  for (let turn = 0; turn < SAMPLES * 2; turn++) {
    for (const [which, run] of [a, b].entries()) {
      const from = now()
      for (let i = 0; i < batch; i++) run(i)
      if (turn >= SAMPLES) samples[which as 0 | 1].push(Number(now() - from) / batch / 1000)
    }
  }
  return [percentiles(samples[0]).p50, percentiles(samples[1]).p50]
}

/** Times a function that is too slow, or too cold, to be batched. */
export function measureOnce(run: () => void, times: number): Timing {
  const samples: number[] = []
  for (let i = 0; i < times; i++) {
    const from = now()
    run()
    samples.push(Number(now() - from) / 1000)
  }
  return percentiles(samples)
}

function percentiles(samples: number[]): Timing {
  samples.sort((a, b) => a - b)
  const at = (share: number) => samples[Math.min(samples.length - 1, Math.floor(samples.length * share))] as number
  return { p50: at(0.5), p99: at(0.99) }
}

const now = process.hrtime.bigint
