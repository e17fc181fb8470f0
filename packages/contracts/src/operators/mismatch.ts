import { kindOf, type Outcome, PolicyError } from '../expressions/outcome.ts'

/** What an operator for texts says of anything else: of a missing value no, of another kind that it cannot judge. */
export function notText(operator: string, value: unknown): Outcome {
  return value === undefined ? false : mismatch(operator, 'a string', value)
}

/** The same for numbers. */
export function notNumber(operator: string, value: unknown): Outcome {
  return value === undefined ? false : mismatch(operator, 'a number', value)
}

function mismatch(operator: string, wanted: string, value: unknown): PolicyError {
  return new PolicyError(`'${operator}' needs ${wanted}, but the value is ${kindOf(value)}`)
}
