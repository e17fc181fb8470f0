import type { Expression } from '../document.ts'
import { operatorOf } from '../operators/operators.ts'
import { samplePattern } from '../regex/sample.ts'

/** What selectors are to say; undefined stands for a value that is not there. */
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
    const samples = operatorOf(operator)?.samples(value, samplePattern)
    return samples?.[holds ? 'holds' : 'fails'].map((each) => new Map([[selector, each]])) ?? []
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
