import type { ContractIssue } from './types.ts'

/**
 * A document, or something given in code, that cannot become a policy. Loading throws nothing else, whatever the bytes.
 *
 * `message` is the text of the first issue; `issues` holds all of them, first one first.
 */
export class EdictumConfigError extends Error {
  override readonly name = 'EdictumConfigError'
  /** The first issue's code: `too_large`, `yaml_parse`, `not_a_mapping`, `schema`, `duplicate_id`, `invalid_regex`, … */
  readonly code: string
  readonly issues: readonly ContractIssue[]

  constructor(issues: readonly ContractIssue[]) {
    const first = issues[0]
    super(first?.message ?? 'Invalid configuration')
    this.code = first?.code ?? 'config'
    this.issues = Object.freeze([...issues])
  }
}

/** A configuration error without a place in a document: something handed in by code is wrong. */
export function configError(code: string, message: string, hint?: string): EdictumConfigError {
  return new EdictumConfigError([
    { code, path: '', line: null, column: null, message, ...(hint === undefined ? {} : { hint }) },
  ])
}
