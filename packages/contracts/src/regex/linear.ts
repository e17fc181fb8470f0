import type { Node } from './ast.ts'
import { areDisjoint, type CharSet } from './chars.ts'
import { widthOf } from './width.ts'

/**
 * Upper bounds on what a backtracking engine does with a pattern. Deliberately coarse: what it cannot prove cheap runs on
 * the automaton, which is linear for every pattern.
 */
export interface Cost {
  /** Ways through the pattern from one start, unbounded repeats counted once. */
  readonly ways: number
  /** Power of the text's length that one start may cost. */
  readonly degree: number
  /** Sets under an unbounded repeat. */
  readonly loops: readonly CharSet[]
  /** Needs a backtracking engine: references, conditionals, atomic groups, possessive repeats. */
  readonly backtracks: boolean
  readonly looksAround: boolean
}

interface Part {
  readonly ways: number
  readonly degree: number
}

const FREE: Part = { ways: 1, degree: 0 }

export function costOf(root: Node): Cost {
  const loops: CharSet[] = []
  let backtracks = false
  let looksAround = false

  const visit = (node: Node): Part => {
    switch (node.type) {
      case 'set':
      case 'anchor':
        return FREE
      case 'sequence':
        return node.items.reduce((sum, item) => inSequence(sum, visit(item)), FREE)
      case 'choice': {
        const parts = node.items.map(visit)
        return {
          ways: parts.reduce((sum, part) => sum + part.ways, 0),
          degree: parts.reduce((most, part) => Math.max(most, part.degree), 0),
        }
      }
      case 'repeat':
        if (node.manner === 'possessive') backtracks = true
        if (node.max === Number.POSITIVE_INFINITY && node.body.type === 'set') loops.push(node.body.set)
        return repeated(visit(node.body), node)
      case 'group':
        return visit(node.body)
      case 'atomic':
        backtracks = true
        return visit(node.body)
      case 'look':
        looksAround = true
        return visit(node.body)
      case 'reference':
        backtracks = true
        return FREE
      case 'conditional':
        backtracks = true
        return inSequence(visit(node.yes), visit(node.no))
    }
  }

  return { ...visit(root), loops, backtracks, looksAround }
}

function inSequence(a: Part, b: Part): Part {
  return { ways: a.ways * b.ways, degree: a.degree + b.degree }
}

function repeated(body: Part, node: Node & { type: 'repeat' }): Part {
  if (node.max === Number.POSITIVE_INFINITY) {
    return { ways: body.ways, degree: node.body.type === 'set' ? 1 : Number.POSITIVE_INFINITY }
  }
  let ways = 0
  let power = body.ways ** node.min
  for (let count = node.min; count <= node.max && ways <= 1e9; count++) {
    ways += power
    power *= body.ways
  }
  return { ways, degree: node.max > 1 ? body.degree * node.max : body.degree }
}

const CHEAP = 2000
/** Of a pattern in which nothing is unbounded, and whose work on a text the caller knows beforehand. */
const CHEAP_BOUNDED = 10_000

/**
 * Whether a backtracking engine searches with this pattern in time linear in the text. Sound, not complete:
 *
 * - nothing unbounded: a start costs at most ways × length;
 * - anchored at the start of the text and at most one unbounded repeat of a single set: one start, one pass, and a bounded
 *   rest at each step back;
 * - one such repeat over a set that no match can begin with: the runs of different starts cannot overlap, but for as many
 *   starts as the part before the repeat is long.
 */
export function isProvenLinear(root: Node, cost: Cost = costOf(root)): boolean {
  if (cost.backtracks) return false
  const length = boundedLength(root)
  if (cost.degree === 0) return cost.ways * length <= CHEAP_BOUNDED
  if (cost.ways * length > CHEAP) return false
  if (cost.degree > 1) return false
  if (startsAnchored(root)) return true
  const first: CharSet[] = []
  if (!collectFirst(root, first)) return false
  return cost.loops.every((loop) => first.every((set) => areDisjoint(loop, set)))
}

/** What one start of a search may cost a backtracking engine, unbounded repeats counted once. */
export function stepsPerStart(root: Node, cost: Cost): number {
  return cost.ways * boundedLength(root)
}

/** The longest match if every unbounded repeat ran once, look-around included: the work of one way through. */
function boundedLength(node: Node): number {
  switch (node.type) {
    case 'set':
    case 'anchor':
    case 'reference':
      return 1
    case 'sequence':
    case 'choice':
      return node.items.reduce((sum, item) => sum + boundedLength(item), 1)
    case 'repeat':
      return (
        boundedLength(node.body) *
        (node.max === Number.POSITIVE_INFINITY ? Math.max(1, node.min) : Math.max(1, node.max))
      )
    case 'group':
    case 'atomic':
    case 'look':
      return boundedLength(node.body)
    case 'conditional':
      return boundedLength(node.yes) + boundedLength(node.no)
  }
}

function startsAnchored(node: Node): boolean {
  switch (node.type) {
    case 'anchor':
      return node.anchor === 'textStart'
    case 'sequence':
      for (const item of node.items) {
        if (startsAnchored(item)) return true
        if (widthOf(item)[1] > 0) return false
      }
      return false
    case 'choice':
      return node.items.every(startsAnchored)
    case 'group':
      return startsAnchored(node.body)
    default:
      return false
  }
}

/** Collect the sets a match can begin with. False when it may begin with nothing at all. */
export function collectFirst(node: Node, into: CharSet[]): boolean {
  switch (node.type) {
    case 'set':
      into.push(node.set)
      return true
    case 'sequence':
      for (const item of node.items) if (collectFirst(item, into)) return true
      return false
    case 'choice':
      return node.items.map((item) => collectFirst(item, into)).every(Boolean)
    case 'repeat': {
      if (node.max === 0) return false
      const consumes = collectFirst(node.body, into)
      return consumes && node.min > 0
    }
    case 'group':
    case 'atomic':
      return collectFirst(node.body, into)
    case 'conditional':
      return [collectFirst(node.yes, into), collectFirst(node.no, into)].every(Boolean)
    case 'look':
    case 'anchor':
    case 'reference':
      return false
  }
}
