import { configError } from '../errors.ts'
import { isNumeric, pythonEquals } from './equality.ts'
import type { Evaluation } from './evaluation.ts'
import { kindOf, type Outcome, PolicyError } from './outcome.ts'
import type { PatternCache } from './patterns.ts'

/** Custom operators by name. Never called for a missing value; the result counts by its truthiness. */
export type CustomOperators = Readonly<Record<string, (value: unknown, argument: unknown) => unknown>>

/** Tests a present value. `evaluation` lends the memory for cut regex subjects. */
export type ValueTest = (value: unknown, evaluation: Evaluation) => Outcome

export const OPERATOR_NAMES: readonly string[] = Object.freeze([
  'equals',
  'not_equals',
  'in',
  'not_in',
  'contains',
  'contains_any',
  'starts_with',
  'ends_with',
  'matches',
  'matches_any',
  'gt',
  'gte',
  'lt',
  'lte',
  'exists',
])

/** Own entries of custom operators as a map. Throws `EdictumConfigError` for a built-in name or what is no function. */
export function checkedOperators(
  custom: CustomOperators,
): ReadonlyMap<string, (value: unknown, argument: unknown) => unknown> {
  const entries = Object.entries(custom)
  for (const [name, test] of entries) {
    if (OPERATOR_NAMES.includes(name)) {
      throw configError(
        'custom_operator',
        `Custom operator '${name}': an operator of this name is built in; rename yours`,
      )
    }
    if (typeof test !== 'function') throw configError('custom_operator', `Custom operator '${name}' is no function`)
  }
  return new Map(entries)
}

/**
 * The test of one operator with its argument worked in (contract-language §5.3). `exists` is not among them: it alone
 * answers for missing values. Returns null for an unknown operator.
 */
export function compileOperator(
  operator: string,
  argument: unknown,
  patterns: PatternCache,
  custom: ReadonlyMap<string, (value: unknown, argument: unknown) => unknown>,
): ValueTest | null {
  switch (operator) {
    case 'equals':
      return equalTo(argument)
    case 'not_equals':
      return inverted(equalTo(argument))
    case 'in':
      return memberOf(asArray(argument))
    case 'not_in':
      return inverted(memberOf(asArray(argument)))
    case 'contains':
      return onText(operator, containsTest(String(argument)))
    case 'contains_any':
      return onText(operator, anyOf(asArray(argument).map((needle) => containsTest(String(needle)))))
    case 'starts_with': {
      const prefix = String(argument)
      return onText(operator, (text) => text.startsWith(prefix))
    }
    case 'ends_with': {
      const suffix = String(argument)
      return onText(operator, (text) => text.endsWith(suffix))
    }
    case 'matches':
      return onSubject(operator, patterns.tester(String(argument)))
    case 'matches_any':
      return onSubject(operator, anyOf(asArray(argument).map((source) => patterns.tester(String(source)))))
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return comparison(operator, argument)
    default: {
      const test = custom.get(operator)
      return test === undefined ? null : (value) => Boolean(test(value, argument))
    }
  }
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}

function equalTo(literal: unknown): (value: unknown) => boolean {
  if (typeof literal === 'string') return (value) => value === literal
  // A missing value never gets here, so nothing equals null.
  if (literal === null || literal === undefined) return () => false
  return (value) => pythonEquals(value, literal)
}

/** Scalars are looked up in a set; what needs deep comparison is tried one by one. */
function memberOf(literals: readonly unknown[]): (value: unknown) => boolean {
  const strings = new Set(literals.filter((item) => typeof item === 'string'))
  const numbers = new Set(literals.filter((item) => isNumeric(item) && typeof item !== 'bigint').map(Number))
  numbers.delete(Number.NaN)
  const others = literals.filter((item) => (typeof item === 'object' && item !== null) || typeof item === 'bigint')
  const onlyString = strings.size === 1 ? [...strings][0] : undefined
  return (value) => {
    if (typeof value === 'string') return onlyString === undefined ? strings.has(value) : value === onlyString
    if (typeof value === 'number' || typeof value === 'boolean') {
      if (numbers.has(Number(value))) return true
    } else if (typeof value === 'bigint') {
      return literals.some((item) => isNumeric(item) && pythonEquals(value, item))
    }
    return others.length > 0 && others.some((item) => pythonEquals(value, item))
  }
}

function inverted(test: (value: unknown) => boolean): ValueTest {
  return (value) => !test(value)
}

type TextTest = (text: string) => boolean

function containsTest(needle: string): TextTest {
  return (text) => text.includes(needle)
}

function anyOf(tests: readonly TextTest[]): TextTest {
  const [only] = tests
  if (tests.length === 1 && only) return only
  return (text) => {
    for (let i = 0; i < tests.length; i++) if ((tests[i] as TextTest)(text)) return true
    return false
  }
}

function onText(operator: string, test: TextTest): ValueTest {
  return (value) => (typeof value === 'string' ? test(value) : mismatch(operator, 'a string', value))
}

function onSubject(operator: string, test: TextTest): ValueTest {
  return (value, evaluation) =>
    typeof value === 'string' ? test(evaluation.subject(value)) : mismatch(operator, 'a string', value)
}

function comparison(operator: 'gt' | 'gte' | 'lt' | 'lte', argument: unknown): ValueTest {
  const limit = typeof argument === 'bigint' ? argument : Number(argument)
  switch (operator) {
    case 'gt':
      return (value) => (isNumeric(value) ? asNumber(value) > limit : mismatch(operator, 'a number', value))
    case 'gte':
      return (value) => (isNumeric(value) ? asNumber(value) >= limit : mismatch(operator, 'a number', value))
    case 'lt':
      return (value) => (isNumeric(value) ? asNumber(value) < limit : mismatch(operator, 'a number', value))
    case 'lte':
      return (value) => (isNumeric(value) ? asNumber(value) <= limit : mismatch(operator, 'a number', value))
  }
}

function asNumber(value: number | boolean | bigint): number | bigint {
  return typeof value === 'boolean' ? Number(value) : value
}

function mismatch(operator: string, wanted: string, value: unknown): PolicyError {
  return new PolicyError(`'${operator}' needs ${wanted}, but the value is ${kindOf(value)}`)
}
