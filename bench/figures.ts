/** What a bench hands to `bench/run.ts`: its numbers, each with what ran beside it in the same run and the goal of the design. */
import { writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'

export interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: string
  /** The floor or peer of the same run. */
  readonly beside?: { readonly what: string; readonly value: number }
  readonly goal?: { readonly atMost: number } | { readonly atLeast: number }
}

/** The machine a run was made on, and how busy others kept it. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly node: string
  /** Processes waiting or running over the last minute, when the bench ended. */
  readonly load: number
}

export interface Outcome {
  readonly machine: Machine
  readonly figures: readonly Figure[]
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  }
}

/** Write the figures, and whatever else the bench found, to `file`. Nothing when `file` is undefined. */
export function writeFigures(file: string | undefined, figures: readonly Figure[], detail: object = {}): void {
  if (file === undefined) return
  writeFileSync(file, `${JSON.stringify({ machine: machine(), figures, ...detail }, null, 2)}\n`)
}

export function isMet({ value, goal }: Figure): boolean | null {
  if (goal === undefined) return null
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast
}

/** The value at `share` (0 to 1) of the sorted samples. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
