/** What a worker answers. */
export interface Outcome {
  readonly load: 'loaded' | 'refused'
  readonly because?: string
  /** Our codes of why a bundle was refused. */
  readonly codes?: readonly string[]
  readonly run?: { readonly ended: string; readonly value: unknown; readonly source?: string; readonly name?: string }
  readonly asked?: readonly string[]
  readonly audit?: readonly Event[]
  readonly evaluate?: Evaluated
  /** Of each sandbox contract, what it looked at in the call, in words that hide nothing. Ours only; not compared. */
  readonly sights?: Readonly<Record<string, Sight>>
}

export type Event = Readonly<Record<string, unknown>> & {
  readonly action: string
  readonly source: string | null
  readonly name: string | null
  readonly reason: string | null
  readonly policy_error: boolean
}

export interface Evaluated {
  /** The kind of error that ended it, in place of the rest. */
  readonly broke?: string
  /** Every contract that concerns the call; the rest follows from them. */
  readonly contracts?: readonly Judged[]
  readonly verdict?: string
  readonly deny?: readonly string[]
}

export interface Judged {
  readonly id: string
  readonly passed: boolean
  readonly message: string | null
  readonly policy_error: boolean
}

/** What a sandbox saw; null where it could not look. */
export interface Sight {
  readonly paths: readonly string[]
  readonly hosts: readonly string[]
  readonly command: string | null
}

/** Where two outcomes differ, and what each says there. Why a bundle was refused is each package's own word. */
export interface Disagreement {
  readonly at: string
  readonly python: unknown
  readonly here: unknown
}

export function disagreements(python: Outcome, here: Outcome): readonly Disagreement[] {
  if (python.load !== here.load) {
    return [{ at: 'load', python: python.because ?? python.load, here: here.because ?? here.load }]
  }
  return (['run', 'asked', 'audit', 'evaluate'] as const).flatMap((name) => compare(name, python[name], here[name]))
}

function compare(at: string, python: unknown, here: unknown): readonly Disagreement[] {
  if (isTree(python) && isTree(here) && Array.isArray(python) === Array.isArray(here)) {
    const keys = new Set([...Object.keys(python), ...Object.keys(here)])
    return [...keys].flatMap((key) => compare(`${at}.${key}`, python[key], here[key]))
  }
  return Object.is(python ?? null, here ?? null) ? [] : [{ at, python, here }]
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
