import { configError } from '../errors.ts'
import type { Test } from '../expressions/evaluation.ts'
import { operatorOf } from './operators.ts'

/** Custom operators by name. Never called for a missing value; the result counts by its truthiness. */
export type CustomOperators = Readonly<Record<string, CustomTest>>

type CustomTest = (value: unknown, argument: unknown) => unknown

/** Own entries of custom operators as a map. Throws `EdictumConfigError` for a built-in name or what is no function. */
export function checkedOperators(custom: CustomOperators): ReadonlyMap<string, CustomTest> {
  const entries = Object.entries(custom)
  for (const [name, test] of entries) {
    if (operatorOf(name) !== undefined) {
      throw configError(
        'custom_operator',
        `Custom operator '${name}': an operator of this name is built in; rename yours`,
      )
    }
    if (typeof test !== 'function') throw configError('custom_operator', `Custom operator '${name}' is no function`)
  }
  return new Map(entries)
}

/** The test of a custom operator on the value in a slot. */
export function compileCustom(slot: number, argument: unknown, test: CustomTest): Test {
  return (e) => {
    const value = e.read(slot)
    return value !== undefined && Boolean(test(value, argument))
  }
}
