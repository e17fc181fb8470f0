import type { Expression } from '../document.ts'
import { configError } from '../errors.ts'
import { compileCustom } from '../operators/custom.ts'
import { operatorOf } from '../operators/operators.ts'
import type { Envelope } from '../types.ts'
import type { SelectorReader, Test } from './evaluation.ts'
import type { Outcome } from './outcome.ts'
import { PatternCache } from './patterns.ts'
import { compileSelector } from './selectors.ts'

/** A compiled condition. `test` is all that deciding needs; the rest lets `explain` walk the same tree. */
export type CompiledExpression =
  | { readonly kind: 'all' | 'any'; readonly test: Test; readonly children: readonly CompiledExpression[] }
  | { readonly kind: 'not'; readonly test: Test; readonly child: CompiledExpression }
  | {
      readonly kind: 'leaf'
      readonly test: Test
      readonly selector: string
      readonly operator: string
      readonly value: unknown
      readonly slot: number
    }

/** What the conditions of one policy share: slots for selectors, compiled patterns, custom operators and selectors. */
export class ExpressionScope {
  readonly readers: SelectorReader[] = []
  readonly patterns = new PatternCache()
  readonly operators: ReadonlyMap<string, (value: unknown, argument: unknown) => unknown>
  readonly selectors: ReadonlyMap<string, (envelope: Envelope) => unknown>
  readonly #slots = new Map<string, number>()

  constructor(
    operators: ReadonlyMap<string, (value: unknown, argument: unknown) => unknown>,
    selectors: ReadonlyMap<string, (envelope: Envelope) => unknown>,
  ) {
    this.operators = operators
    this.selectors = selectors
  }

  slot(selector: string): number {
    let slot = this.#slots.get(selector)
    if (slot === undefined) {
      slot = this.readers.length
      this.readers.push(compileSelector(selector, this.selectors))
      this.#slots.set(selector, slot)
    }
    return slot
  }
}

/** Compiles a condition to closures. Throws `EdictumConfigError` (code `unknown_operator`) naming contract and operator. */
export function compileExpression(
  expression: Expression,
  scope: ExpressionScope,
  contractId: string,
): CompiledExpression {
  if ('all' in expression) {
    const children = expression.all.map((child) => compileExpression(child, scope, contractId))
    return { kind: 'all', test: allOf(children), children }
  }
  if ('any' in expression) {
    const children = expression.any.map((child) => compileExpression(child, scope, contractId))
    return { kind: 'any', test: anyOf(children), children }
  }
  if ('not' in expression) {
    const child = compileExpression(expression.not, scope, contractId)
    const { test } = child
    return { kind: 'not', test: (evaluation) => inverse(test(evaluation)), child }
  }
  const { selector, operator, value } = expression
  const slot = scope.slot(selector)
  return { kind: 'leaf', test: leaf(slot, operator, value, scope, contractId), selector, operator, value, slot }
}

function inverse(outcome: Outcome): Outcome {
  return typeof outcome === 'boolean' ? !outcome : outcome
}

function allOf(children: readonly CompiledExpression[]): Test {
  const tests = children.map((child) => child.test)
  const [first, second] = tests
  if (first && tests.length === 1) return first
  if (first && second && tests.length === 2) {
    return (evaluation) => {
      const outcome = first(evaluation)
      return outcome === true ? second(evaluation) : outcome
    }
  }
  return (evaluation) => {
    for (let i = 0; i < tests.length; i++) {
      const outcome = (tests[i] as Test)(evaluation)
      if (outcome !== true) return outcome
    }
    return true
  }
}

function anyOf(children: readonly CompiledExpression[]): Test {
  const tests = children.map((child) => child.test)
  const [only] = tests
  if (only && tests.length === 1) return only
  return (evaluation) => {
    for (let i = 0; i < tests.length; i++) {
      const outcome = (tests[i] as Test)(evaluation)
      if (outcome !== false) return outcome
    }
    return false
  }
}

function leaf(slot: number, name: string, argument: unknown, scope: ExpressionScope, contractId: string): Test {
  const operator = operatorOf(name)
  if (operator !== undefined) return operator.compile(slot, argument, scope.patterns)
  const custom = scope.operators.get(name)
  if (custom !== undefined) return compileCustom(slot, argument, custom)
  throw configError(
    'unknown_operator',
    `Contract '${contractId}': unknown operator '${name}'; use a built-in one or register it`,
  )
}

/** Every regular expression on the given selectors, anywhere in a condition: what a `redact` replaces. */
export function patternsOn(expression: Expression, accepts: (selector: string) => boolean): readonly string[] {
  if ('all' in expression) return expression.all.flatMap((child) => patternsOn(child, accepts))
  if ('any' in expression) return expression.any.flatMap((child) => patternsOn(child, accepts))
  if ('not' in expression) return patternsOn(expression.not, accepts)
  if (!accepts(expression.selector)) return []
  return operatorOf(expression.operator)?.patterns?.(expression.value) ?? []
}
