import type { Test } from '../expressions/evaluation.ts'
import type { PatternCache } from '../expressions/patterns.ts'
import type { Shape } from '../load/shape.ts'

/**
 * All there is to know of one operator of the language. Everything that speaks of operators is made from these records: what
 * the loader accepts, the JSON Schema, deciding, `lint`, the calls `lictor diff` tries, the assistant's prompt and the table
 * of the guide. A new operator is a new record.
 */
export interface Operator {
  readonly name: string
  /** What its argument must look like. */
  readonly shape: Shape
  /**
   * The test on the value in a slot, with the argument worked in. One closure: calls through closures are what deciding
   * spends its time on. A missing value reads as undefined and makes every operator but `exists` false.
   */
  readonly compile: (slot: number, argument: unknown, patterns: PatternCache) => Test
  /** The regular expressions in its argument: compiled when a bundle is loaded, linted, and what `redact` replaces. */
  readonly patterns?: (argument: unknown) => readonly string[]
  /** What is certain of every value it holds for, or (`holds` false) does not hold for. */
  readonly demands: (argument: unknown, holds: boolean) => Demand
  /** Values on both sides of the border that an argument draws, close to it. */
  readonly samples: (argument: unknown, samplePattern: SamplePattern) => Samples
  /** Ends the sentence "Holds when …" of the guide; `v` is the value, `a` the argument. */
  readonly holdsWhen: string
  /** Arguments that differ in what they hold for, each with values on both sides. The guide shows the first. */
  readonly examples: readonly [Example, Example, ...Example[]]
}

export interface Samples {
  /** undefined stands for a value that is missing. */
  readonly holds: readonly unknown[]
  readonly fails: readonly unknown[]
}

export interface Example extends Samples {
  readonly argument: unknown
}

/** Texts that a regular expression probably finds something in. Lent by who samples: deciding does not need it. */
export type SamplePattern = (source: string) => readonly string[]

/** What a value must be. A part that is left out says nothing; more may be true of the value than is said here. */
export interface Demand {
  /** Whether it may be missing. The rest is about a value that is there. */
  readonly absent: boolean
  /** All values it can have, for those that are equal one of them. */
  readonly values?: readonly unknown[]
  readonly kind?: 'text' | 'number'
  readonly low?: Bound
  readonly high?: Bound
  /** The bounds say nothing of NaN. */
  readonly unordered?: true
  readonly begins?: string
  readonly ends?: string
}

export interface Bound {
  readonly limit: number | bigint
  readonly inclusive: boolean
}

/** Whatever it is, it is there: what every operator but `exists` asks for at least. */
export const PRESENT: Demand = Object.freeze({ absent: false })
/** Nothing is certain. */
export const ANYTHING: Demand = Object.freeze({ absent: true })
/** What operators for texts hold for, and what they do not hold for: of anything else they cannot judge. */
export const TEXT: Demand = Object.freeze({ absent: false, kind: 'text' })
export const TEXT_OR_NONE: Demand = Object.freeze({ absent: true, kind: 'text' })

export function asList(argument: unknown): readonly unknown[] {
  return Array.isArray(argument) ? argument : [argument]
}

/** A value that is not the given one, of the same kind where there is one. */
export function another(value: unknown): unknown {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  return value === 'other' ? 'another' : 'other'
}
