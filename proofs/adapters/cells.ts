/** What an adapter owes on a framework, in the order of the table. */
export const cells = [
  'denied',
  'asked',
  'refused',
  'aborted',
  'redacted',
  'observed',
  'parallel',
  'same id',
  'server away',
  'failing',
] as const
export type Cell = (typeof cells)[number]

/** What one suite proved, for the table that is written when all have run. */
export interface Result {
  readonly name: string
  readonly framework: string
  readonly version: string
  readonly proven: readonly Cell[]
  readonly without: Partial<Record<Cell, string>>
  /** The framework itself runs no second call with an id that it knows. */
  readonly ownIds: boolean
}
