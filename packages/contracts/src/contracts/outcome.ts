/** The verdict of a contract that fired. */
export interface Fired {
  readonly message: string
  /** Null when the verdict carries none. */
  readonly metadata: Readonly<Record<string, unknown>> | null
  readonly policyError: boolean
}

/** The contract's own filter says it does not concern this call; it leaves no record. */
export const SKIPPED = Symbol('skipped')

/** Null: passed. A promise comes only from programmatic contracts with an asynchronous check. */
export type ContractOutcome = Fired | null | typeof SKIPPED | Promise<Fired | null>
