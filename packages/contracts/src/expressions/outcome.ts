/** A condition that could not be judged. The contract fires all the same. */
export class PolicyError {
  readonly detail: string

  constructor(detail: string) {
    this.detail = detail
  }
}

/** What a condition says: it holds, it does not, or it cannot be judged. */
export type Outcome = boolean | PolicyError

/** The error's own words, whatever was thrown. */
export function errorText(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error)
  } catch {
    return 'unknown error'
  }
}

/** What kind of value it is, in the words of JSON; never the value itself, which may be a secret. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'an array'
  switch (typeof value) {
    case 'object':
      return 'an object'
    case 'bigint':
      return 'a number'
    default:
      return `a ${typeof value}`
  }
}
