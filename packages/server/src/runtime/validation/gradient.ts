import type { Signal } from './answer.ts'

/** What a validator says of an attempt: score and confidence from 0 to 1. */
export interface Gradient {
  /** Its `type` in the manifest. */
  readonly validator: string
  readonly score: number
  readonly confidence: number
  readonly reasoning: string
  /** What it looked at; absent where it looks at one thing. */
  readonly signals?: readonly Signal[]
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Of several judges, or of the one: what each said. */
  readonly judgements?: readonly NamedJudgement[]
}

export interface NamedJudgement {
  /** Id of the judge, as events name agents; null of a model. */
  readonly judgeId: string | null
  readonly judge: string
  readonly score: number
  readonly confidence: number
  readonly reasoning: string
}
