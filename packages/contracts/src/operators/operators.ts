import { EQUALITY } from './equality.ts'
import { NUMBERS } from './numbers.ts'
import type { Operator } from './operator.ts'
import { PATTERNS } from './patterns.ts'
import { PRESENCE } from './presence.ts'
import { TEXTS } from './text.ts'

/** The operators of the language, in the order the guide tells of them. */
export const OPERATORS: readonly Operator[] = Object.freeze([
  ...PRESENCE,
  ...EQUALITY,
  ...TEXTS,
  ...PATTERNS,
  ...NUMBERS,
])

const byName: ReadonlyMap<string, Operator> = new Map(OPERATORS.map((operator) => [operator.name, operator]))

export const OPERATOR_NAMES: readonly string[] = Object.freeze([...byName.keys()])

/** The operator of a name; undefined for one that only an application knows. */
export function operatorOf(name: string): Operator | undefined {
  return byName.get(name)
}
