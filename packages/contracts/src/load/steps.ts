/**
 * The order in which a document's problems are told: first those that make all others doubtful, then the form, then what
 * compares one part with another. Size, encoding and YAML come before all of these; a document that fails there is not looked
 * at further.
 */
export const STEP = {
  /** The document is a mapping. */
  mapping: 1,
  /** Every field is known, has its form, and those that must be there are. */
  schema: 2,
  /** Ids are unique. */
  uniqueIds: 3,
  /** Patterns compile. */
  patterns: 4,
  /** Nobody looks at an output before there is one. */
  output: 5,
  /** Parts of a sandbox that need others have them. */
  sandbox: 6,
  /** Every operator is known. Plain loading leaves this one to the compiler, which knows the custom ones. */
  operators: 7,
} as const
