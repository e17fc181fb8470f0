import type { Expression } from '@lictor/contracts'
import { samplePattern } from './samples.ts'

/** Stands for a value that is not there. */
export const ABSENT = Symbol('absent')

/** What selectors are to say. */
export type Assignment = ReadonlyMap<string, unknown>

const NOTHING: Assignment = new Map()
const MAX_ASSIGNMENTS = 32
/** How many ways of holding the other branches are tried beside each way of the branch at hand. */
const MAX_COMPANIONS = 2

/** Assignments under which an expression probably holds (or does not), near the border between the two. */
export function solve(expression: Expression, holds: boolean): readonly Assignment[] {
  if ('not' in expression) return solve(expression.not, !holds)
  if ('selector' in expression) {
    const { selector, operator, value } = expression
    return leafValues(operator, value)[holds ? 'holds' : 'fails'].map((each) => new Map([[selector, each]]))
  }
  const isAll = 'all' in expression
  const children = isAll ? expression.all : expression.any
  // Every child must say it, or one is enough and the others say the opposite, so that this one makes the difference.
  if (isAll === holds) return product(children.map((child) => solve(child, holds)))
  return children
    .flatMap((child, index) => {
      const alone = solve(child, holds)
      const others = children.filter((_, other) => other !== index)
      return [
        ...product([alone, ...others.map((other) => solve(other, !holds).slice(0, MAX_COMPANIONS))]),
        // Branches that ask about one value can often not all be met: then what the others say of this one will do.
        ...(isAll ? [] : alone),
      ]
    })
    .slice(0, MAX_ASSIGNMENTS)
}

function product(choices: readonly (readonly Assignment[])[]): readonly Assignment[] {
  let made: readonly Assignment[] = [NOTHING]
  for (const choice of choices)
    made = made.flatMap((assignment) => choice.flatMap((each) => merge(assignment, each))).slice(0, MAX_ASSIGNMENTS)
  return made
}

/** Both assignments at once. Two texts for one value are tried behind one another; other contradictions have no answer. */
function merge(a: Assignment, b: Assignment): Assignment[] {
  let merged: Assignment[] = [a]
  for (const [selector, value] of b) {
    merged = merged.flatMap((assignment) => {
      const present = assignment.get(selector)
      if (!assignment.has(selector) || present === value) return [new Map([...assignment, [selector, value]])]
      if (typeof present !== 'string' || typeof value !== 'string') return []
      return [present + value, value + present].map((text) => new Map([...assignment, [selector, text]]))
    })
  }
  return merged
}

interface LeafValues {
  readonly holds: readonly unknown[]
  readonly fails: readonly unknown[]
}

function leafValues(operator: string, argument: unknown): LeafValues {
  const opposite = ({ holds, fails }: LeafValues): LeafValues => ({ holds: fails, fails: holds })
  const list = Array.isArray(argument) ? argument : [argument]
  const texts = list.map(String)
  switch (operator) {
    case 'exists':
      return argument === true ? { holds: ['x'], fails: [ABSENT] } : { holds: [ABSENT], fails: ['x'] }
    case 'equals':
    case 'in':
      return { holds: list, fails: [other(list[0]), ABSENT] }
    case 'not_equals':
    case 'not_in':
      return { holds: [other(list[0])], fails: [...list, ABSENT] }
    case 'contains':
    case 'contains_any':
      return { holds: texts.flatMap((text) => [text, `x ${text} x`]), fails: ['other', ABSENT] }
    case 'starts_with':
      return { holds: texts.flatMap((text) => [text, `${text}x`]), fails: texts.map((text) => `x${text}`) }
    case 'ends_with':
      return { holds: texts.flatMap((text) => [text, `x${text}`]), fails: texts.map((text) => `${text}x`) }
    case 'matches':
    case 'matches_any':
      return {
        holds: texts.flatMap((text) => [...samplePattern(text), `x ${samplePattern(text)[0]}`]),
        fails: ['other', ABSENT],
      }
    case 'gt':
      return { holds: [Number(argument) + 1], fails: [Number(argument)] }
    case 'gte':
      return { holds: [Number(argument)], fails: [Number(argument) - 1] }
    case 'lt':
      return opposite(leafValues('gte', argument))
    case 'lte':
      return opposite(leafValues('gt', argument))
    default:
      return { holds: [], fails: [] }
  }
}

function other(value: unknown): unknown {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  return value === 'other' ? 'another' : 'other'
}
