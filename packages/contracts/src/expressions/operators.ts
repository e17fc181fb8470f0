import { configError } from '../errors.ts'
import { isNumeric, pythonEquals } from './equality.ts'
import type { Evaluation } from './evaluation.ts'
import { kindOf, type Outcome, PolicyError } from './outcome.ts'
import type { PatternCache } from './patterns.ts'

/** Custom operators by name. Never called for a missing value; the result counts by its truthiness. */
export type CustomOperators = Readonly<Record<string, (value: unknown, argument: unknown) => unknown>>

/** A compiled condition. */
export type Test = (evaluation: Evaluation) => Outcome

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
 * The test of one operator on one selector, with its argument worked in (contract-language §5.2, §5.3). Each is a single
 * closure: calls through closures are what deciding spends its time on. A missing value reads as undefined and makes every
 * operator but `exists` false. Returns null for an unknown operator.
 */
export function compileOperator(
  slot: number,
  operator: string,
  argument: unknown,
  patterns: PatternCache,
  custom: ReadonlyMap<string, (value: unknown, argument: unknown) => unknown>,
): Test | null {
  switch (operator) {
    case 'exists':
      return argument === true ? (e) => e.read(slot) !== undefined : (e) => e.read(slot) === undefined
    case 'equals':
      return equals(slot, argument)
    case 'not_equals':
      return (e) => {
        const value = e.read(slot)
        return value !== undefined && !pythonEquals(value, argument)
      }
    case 'in':
      return memberOf(slot, asArray(argument), true)
    case 'not_in':
      return memberOf(slot, asArray(argument), false)
    case 'matches':
    case 'matches_any':
      return matches(slot, operator, asArray(argument), patterns)
    case 'contains':
    case 'contains_any':
    case 'starts_with':
    case 'ends_with':
      return onText(slot, operator, argument)
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return comparison(slot, operator, argument)
    default: {
      const test = custom.get(operator)
      if (test === undefined) return null
      return (e) => {
        const value = e.read(slot)
        return value !== undefined && Boolean(test(value, argument))
      }
    }
  }
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}

function equals(slot: number, literal: unknown): Test {
  if (typeof literal === 'string') return (e) => e.read(slot) === literal
  // A missing value never equals, not even null.
  if (literal === null || literal === undefined) return () => false
  return (e) => {
    const value = e.read(slot)
    return value !== undefined && pythonEquals(value, literal)
  }
}

/** Scalars are looked up in a set; what needs deep comparison is tried one by one. */
function memberOf(slot: number, literals: readonly unknown[], wanted: boolean): Test {
  const scalars = new Set<unknown>(literals.filter((item) => typeof item === 'string'))
  for (const item of literals) {
    if (isNumeric(item) && typeof item !== 'bigint' && !Number.isNaN(item)) scalars.add(Number(item))
  }
  return (e) => {
    const value = e.read(slot)
    if (value === undefined) return false
    if (typeof value === 'string' || typeof value === 'number') {
      if (scalars.has(value)) return wanted
      if (typeof value === 'string') return !wanted
    }
    return literals.some((item) => pythonEquals(value, item)) === wanted
  }
}

function matches(slot: number, operator: string, sources: readonly unknown[], cache: PatternCache): Test {
  const patterns = sources.map((source) => cache.get(String(source)))
  const [only] = patterns
  if (only && patterns.length === 1) {
    return (e) => {
      const value = e.read(slot)
      return typeof value === 'string' ? only.test(e.subject(value)) : notText(operator, value)
    }
  }
  return (e) => {
    const value = e.read(slot)
    if (typeof value !== 'string') return notText(operator, value)
    const subject = e.subject(value)
    for (let i = 0; i < patterns.length; i++) if (patterns[i]?.test(subject)) return true
    return false
  }
}

function onText(
  slot: number,
  operator: 'contains' | 'contains_any' | 'starts_with' | 'ends_with',
  argument: unknown,
): Test {
  const text = String(argument)
  switch (operator) {
    case 'contains':
      return (e) => {
        const value = e.read(slot)
        return typeof value === 'string' ? value.includes(text) : notText(operator, value)
      }
    case 'starts_with':
      return (e) => {
        const value = e.read(slot)
        return typeof value === 'string' ? value.startsWith(text) : notText(operator, value)
      }
    case 'ends_with':
      return (e) => {
        const value = e.read(slot)
        return typeof value === 'string' ? value.endsWith(text) : notText(operator, value)
      }
    case 'contains_any': {
      const needles = asArray(argument).map(String)
      return (e) => {
        const value = e.read(slot)
        if (typeof value !== 'string') return notText(operator, value)
        for (let i = 0; i < needles.length; i++) if (value.includes(needles[i] as string)) return true
        return false
      }
    }
  }
}

function comparison(slot: number, operator: 'gt' | 'gte' | 'lt' | 'lte', argument: unknown): Test {
  const limit = typeof argument === 'bigint' ? argument : Number(argument)
  switch (operator) {
    case 'gt':
      return (e) => {
        const value = e.read(slot)
        return isNumeric(value) ? asNumber(value) > limit : notNumber(operator, value)
      }
    case 'gte':
      return (e) => {
        const value = e.read(slot)
        return isNumeric(value) ? asNumber(value) >= limit : notNumber(operator, value)
      }
    case 'lt':
      return (e) => {
        const value = e.read(slot)
        return isNumeric(value) ? asNumber(value) < limit : notNumber(operator, value)
      }
    case 'lte':
      return (e) => {
        const value = e.read(slot)
        return isNumeric(value) ? asNumber(value) <= limit : notNumber(operator, value)
      }
  }
}

function asNumber(value: number | boolean | bigint): number | bigint {
  return typeof value === 'boolean' ? Number(value) : value
}

function notText(operator: string, value: unknown): Outcome {
  return value === undefined ? false : mismatch(operator, 'a string', value)
}

function notNumber(operator: string, value: unknown): Outcome {
  return value === undefined ? false : mismatch(operator, 'a number', value)
}

function mismatch(operator: string, wanted: string, value: unknown): PolicyError {
  return new PolicyError(`'${operator}' needs ${wanted}, but the value is ${kindOf(value)}`)
}
