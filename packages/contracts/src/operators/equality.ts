import { isNumeric, pythonEquals } from '../expressions/equality.ts'
import type { Test } from '../expressions/evaluation.ts'
import { list } from '../load/shape.ts'
import { ANYTHING, another, asList, type Operator, PRESENT } from './operator.ts'

const equals: Operator = {
  name: 'equals',
  shape: { type: 'any' },
  compile: equalTo,
  demands: (argument, holds) => (holds ? oneOf([argument]) : ANYTHING),
  samples: (argument) => ({ holds: [argument], fails: [another(argument), undefined] }),
  holdsWhen: '`v` is `a`',
  examples: [
    { argument: 3, holds: [3], fails: ['3', 4, [3], null] },
    { argument: { unit: 'EUR' }, holds: [{ unit: 'EUR' }], fails: [{ unit: 'USD' }, {}, 'EUR'] },
    { argument: true, holds: [true, 1], fails: ['true', false] },
  ],
}

const notEquals: Operator = {
  name: 'not_equals',
  shape: { type: 'any' },
  compile: (slot, argument) => (e) => {
    const value = e.read(slot)
    return value !== undefined && !pythonEquals(value, argument)
  },
  demands: (_, holds) => (holds ? PRESENT : ANYTHING),
  samples: (argument) => ({ holds: [another(argument)], fails: [argument, undefined] }),
  holdsWhen: '`v` is something else',
  examples: [
    { argument: 'prod', holds: ['test', 1, ['prod']], fails: ['prod', null] },
    { argument: 1, holds: [2, '1'], fails: [1, true] },
  ],
}

const isIn: Operator = {
  name: 'in',
  shape: list({ type: 'any' }),
  compile: (slot, argument) => memberOf(slot, asList(argument), true),
  demands: (argument, holds) => (holds ? oneOf(asList(argument)) : ANYTHING),
  samples: (argument) => ({ holds: asList(argument), fails: [another(asList(argument)[0]), undefined] }),
  holdsWhen: '`v` is one of the list',
  examples: [
    { argument: ['GET', 'HEAD'], holds: ['GET', 'HEAD'], fails: ['get', ['GET'], null] },
    { argument: [1, { a: 1 }], holds: [1, true, { a: 1 }], fails: ['1', 2, {}] },
  ],
}

const isNotIn: Operator = {
  name: 'not_in',
  shape: list({ type: 'any' }),
  compile: (slot, argument) => memberOf(slot, asList(argument), false),
  demands: (_, holds) => (holds ? PRESENT : ANYTHING),
  samples: (argument) => ({ holds: [another(asList(argument)[0])], fails: [...asList(argument), undefined] }),
  holdsWhen: '`v` is none of the list',
  examples: [
    { argument: ['GET', 'HEAD'], holds: ['PUT', 'get', 1], fails: ['HEAD', null] },
    { argument: [1], holds: [2, '1'], fails: [1, true] },
  ],
}

/** A value that is null is missing, and equals nothing. */
function oneOf(values: readonly unknown[]) {
  return { absent: false, values: values.filter((value) => value !== null && value !== undefined) }
}

function equalTo(slot: number, literal: unknown): Test {
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

export const EQUALITY: readonly Operator[] = [equals, notEquals, isIn, isNotIn]
