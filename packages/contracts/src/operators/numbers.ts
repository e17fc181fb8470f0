import { isNumeric } from '../expressions/equality.ts'
import type { Test } from '../expressions/evaluation.ts'
import { notNumber } from './mismatch.ts'
import type { Bound, Demand, Operator } from './operator.ts'

const NUMBER = { type: 'number' } as const

const greater: Operator = {
  name: 'gt',
  shape: NUMBER,
  compile: (slot, argument) => comparison(slot, 'gt', argument),
  demands: (argument, holds) => (holds ? above(argument, false) : belowOrUnordered(argument, true)),
  samples: (argument) => ({ holds: [next(argument)], fails: [limitOf(argument), undefined] }),
  holdsWhen: '`v` is greater than `a`',
  examples: [
    { argument: 10, holds: [10.5, 11], fails: [10, 9, null] },
    { argument: 20, holds: [21], fails: [11, 20] },
  ],
}

const atLeast: Operator = {
  name: 'gte',
  shape: NUMBER,
  compile: (slot, argument) => comparison(slot, 'gte', argument),
  demands: (argument, holds) => (holds ? above(argument, true) : belowOrUnordered(argument, false)),
  samples: (argument) => ({ holds: [limitOf(argument)], fails: [previous(argument), undefined] }),
  holdsWhen: '`v` is greater than `a`, or the same',
  examples: [
    { argument: 10, holds: [10, 10.5], fails: [9, 9.9, null] },
    { argument: 20, holds: [20], fails: [10, 19] },
  ],
}

const less: Operator = {
  name: 'lt',
  shape: NUMBER,
  compile: (slot, argument) => comparison(slot, 'lt', argument),
  demands: (argument, holds) => (holds ? below(argument, false) : aboveOrUnordered(argument, true)),
  samples: (argument) => ({ holds: [previous(argument)], fails: [limitOf(argument), undefined] }),
  holdsWhen: '`v` is less than `a`',
  examples: [
    { argument: 0, holds: [-1, -0.1], fails: [0, 1, null] },
    { argument: -5, holds: [-6], fails: [-1, -5, true] },
  ],
}

const atMost: Operator = {
  name: 'lte',
  shape: NUMBER,
  compile: (slot, argument) => comparison(slot, 'lte', argument),
  demands: (argument, holds) => (holds ? below(argument, true) : aboveOrUnordered(argument, false)),
  samples: (argument) => ({ holds: [limitOf(argument)], fails: [next(argument), undefined] }),
  holdsWhen: '`v` is less than `a`, or the same',
  examples: [
    { argument: 0, holds: [0, false], fails: [0.1, 1, null] },
    { argument: -5, holds: [-5], fails: [0, -4] },
  ],
}

function limitOf(argument: unknown): number | bigint {
  return typeof argument === 'bigint' ? argument : Number(argument)
}

/** The next number a step away; beyond 2^53, where a step of one changes nothing, a step that does. */
function next(argument: unknown): number | bigint {
  const limit = limitOf(argument)
  return typeof limit === 'bigint' ? limit + 1n : limit + step(limit)
}

function previous(argument: unknown): number | bigint {
  const limit = limitOf(argument)
  return typeof limit === 'bigint' ? limit - 1n : limit - step(limit)
}

function step(limit: number): number {
  return Math.max(1, Math.abs(limit) * 2 ** -52)
}

function bound(argument: unknown, inclusive: boolean): Bound {
  return { limit: limitOf(argument), inclusive }
}

function above(argument: unknown, inclusive: boolean): Demand {
  return { absent: false, kind: 'number', low: bound(argument, inclusive) }
}

function below(argument: unknown, inclusive: boolean): Demand {
  return { absent: false, kind: 'number', high: bound(argument, inclusive) }
}

/** What a comparison that does not hold leaves: nothing, a number on the other side, or NaN, which is on neither. */
function aboveOrUnordered(argument: unknown, inclusive: boolean): Demand {
  return { absent: true, kind: 'number', low: bound(argument, inclusive), unordered: true }
}

function belowOrUnordered(argument: unknown, inclusive: boolean): Demand {
  return { absent: true, kind: 'number', high: bound(argument, inclusive), unordered: true }
}

/**
 * An integer beyond 2^53 is compared with a number as JSON would carry it, by the same double, and with a big integer as it is
 * written.
 */
function comparison(slot: number, operator: 'gt' | 'gte' | 'lt' | 'lte', argument: unknown): Test {
  const exact = limitOf(argument)
  const limit = Number(exact)
  switch (operator) {
    case 'gt':
      return (e) => {
        const value = e.read(slot)
        if (typeof value === 'number') return value > limit
        return isNumeric(value) ? asNumber(value) > exact : notNumber(operator, value)
      }
    case 'gte':
      return (e) => {
        const value = e.read(slot)
        if (typeof value === 'number') return value >= limit
        return isNumeric(value) ? asNumber(value) >= exact : notNumber(operator, value)
      }
    case 'lt':
      return (e) => {
        const value = e.read(slot)
        if (typeof value === 'number') return value < limit
        return isNumeric(value) ? asNumber(value) < exact : notNumber(operator, value)
      }
    case 'lte':
      return (e) => {
        const value = e.read(slot)
        if (typeof value === 'number') return value <= limit
        return isNumeric(value) ? asNumber(value) <= exact : notNumber(operator, value)
      }
  }
}

function asNumber(value: number | boolean | bigint): number | bigint {
  return typeof value === 'boolean' ? Number(value) : value
}

export const NUMBERS: readonly Operator[] = [greater, atLeast, less, atMost]
