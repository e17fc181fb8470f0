/** One fixture case, run. */
export interface ConformanceResult {
  readonly file: string
  readonly suite: string
  readonly id: string
  readonly description: string
  readonly status: 'passed' | 'failed' | 'excluded'
  /** Empty for a case that passed; why, for one that is excluded. */
  readonly expected: string
  readonly got: string
}

/** What a case runner answers: null when the case is met. */
export type Mismatch = { readonly expected: string; readonly got: string } | null

export function mismatch(expected: unknown, got: unknown): Mismatch {
  return { expected: shown(expected), got: shown(got) }
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return String(value)
  }
}
