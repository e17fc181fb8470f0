import type { Node } from './ast.ts'
import { areDisjoint, type CharSet } from './chars.ts'
import { collectFirst, costOf } from './linear.ts'
import { isMeasuredCheap, type MeasureBudget, measureBudget } from './measure.ts'
import { parsePattern } from './parse.ts'
import { mayMatch } from './reachable.ts'
import { widthOf } from './width.ts'

export interface PatternAnalysis {
  /**
   * What the pattern can cost an engine that backtracks, as those of agents in the field do: `exponential` when a repeat
   * can divide the same text in ever more ways, `polynomial` when three or more repeats can and a text was found on which
   * that shows.
   */
  readonly growth: 'modest' | 'polynomial' | 'exponential'
  /** False: it finds nothing in any text. */
  readonly mayMatch: boolean
  /** Looks for a backslash before something that looks like an escape: `\\b` where `\b` was probably meant. */
  readonly doublyEscaped: boolean
}

/**
 * What a person should know of a pattern before it is deployed. Whether its cost is polynomial is measured where its form
 * leaves room for it.
 *
 * @param budget what measuring may cost, shared by the patterns of a document
 * @throws {PatternSyntaxError}
 */
export function analysePattern(source: string, budget: MeasureBudget = measureBudget()): PatternAnalysis {
  const { root } = parsePattern(source)
  const isPolynomial = () => haveThreeAlike(costOf(root).loops) && !isMeasuredCheap(root, budget)
  const growth = isExponential(root) ? 'exponential' : isPolynomial() ? 'polynomial' : 'modest'
  return {
    growth,
    mayMatch: mayMatch(root),
    doublyEscaped: /(?:^|[^\\])(?:\\\\)+[bBdDsSwWAZ.(){}[\]^$|*+?]/.test(source),
  }
}

/** More sets than this are not compared with each other. */
const MAX_COMPARED = 50

function haveThreeAlike(loops: readonly CharSet[]): boolean {
  if (loops.length > MAX_COMPARED) return true
  const alike = loops.filter((loop, i) => loops.some((other, j) => i !== j && !areDisjoint(loop, other)))
  return alike.length >= 3
}

/** A repeat without bound whose body can match one text in several ways, or one text as one turn or as several. */
function isExponential(node: Node): boolean {
  switch (node.type) {
    case 'sequence':
    case 'choice':
      return node.items.some(isExponential)
    case 'group':
    case 'atomic':
    case 'look':
      return isExponential(node.body)
    case 'conditional':
      return isExponential(node.yes) || isExponential(node.no)
    case 'repeat':
      if (isExponential(node.body)) return true
      return node.max === Number.POSITIVE_INFINITY && node.manner !== 'possessive' && isAmbiguousTurn(node.body)
    default:
      return false
  }
}

function isAmbiguousTurn(body: Node): boolean {
  if (body.type === 'group') return isAmbiguousTurn(body.body)
  if (body.type === 'repeat' && body.max === Number.POSITIVE_INFINITY) return true
  if (body.type === 'choice') {
    const firsts = body.items.slice(0, MAX_COMPARED).map(firstSets)
    const overlapping = firsts.some((a, i) =>
      firsts.some((b, j) => i < j && a.some((x) => b.some((y) => !areDisjoint(x, y)))),
    )
    const single = body.items.every((item) => widthOf(item)[1] === 1 && widthOf(item)[0] === 1)
    return (overlapping && single) || body.items.some(isAmbiguousTurn)
  }
  const items = body.type === 'sequence' ? body.items : [body]
  const first = firstSets(body)
  // A loop at the end of a turn that could as well begin the next turn: `(a+)+`, `(\w+\s?)*`.
  for (let i = items.length - 1; i >= 0; i--) {
    const item = items[i] as Node
    const loops = costOf(item).loops
    if (item.type !== 'set' && loops.some((loop) => first.some((set) => !areDisjoint(loop, set)))) return true
    if (widthOf(item)[0] > 0) return false
  }
  return false
}

function firstSets(node: Node): CharSet[] {
  const sets: CharSet[] = []
  collectFirst(node, sets)
  return sets.slice(0, MAX_COMPARED)
}
