import type { Node } from '../regex/ast.ts'
import type { CharSet } from '../regex/chars.ts'

/** More alternatives than this are no quicker to look for than the pattern itself. */
const MAX_ALTERNATIVES = 8
/** A shorter text is in almost every subject. */
const MIN_LENGTH = 2

/**
 * Texts of which every match of a pattern contains at least one, or null when none are known. Looking for them first spares
 * the regex engine: most calls do not come near what a contract looks for.
 *
 * @param minLength of each of them, in UTF-16 units
 */
export function requiredLiterals(root: Node, minLength = MIN_LENGTH): readonly string[] | null {
  const literals = requiredBy(root)
  return literals !== null && shortest(literals) >= minLength ? literals : null
}

function requiredBy(node: Node): readonly string[] | null {
  switch (node.type) {
    case 'set': {
      const char = singleCharacter(node.set)
      return char === null ? null : [char]
    }
    case 'group':
    case 'atomic':
      return requiredBy(node.body)
    case 'repeat':
      return node.min > 0 ? requiredBy(node.body) : null
    case 'choice':
      return alternatives(node.items)
    case 'sequence':
      return ofSequence(node.items)
    default:
      return null
  }
}

/** Each branch must require something; then one of all of it is required. */
function alternatives(branches: readonly Node[]): readonly string[] | null {
  const all = new Set<string>()
  for (const branch of branches) {
    const literals = requiredBy(branch)
    if (literals === null) return null
    for (const literal of literals) all.add(literal)
    if (all.size > MAX_ALTERNATIVES) return null
  }
  return [...all]
}

/** The best of the runs of plain characters and of what single members require. */
function ofSequence(items: readonly Node[]): readonly string[] | null {
  let best: readonly string[] | null = null
  let run = ''
  const consider = (candidate: readonly string[] | null) => {
    if (candidate !== null && (best === null || isBetter(candidate, best))) best = candidate
  }
  for (const item of items) {
    const char = item.type === 'set' ? singleCharacter(item.set) : null
    if (char !== null) {
      run += char
      continue
    }
    // An anchor has no width: what stands around it stands together.
    if (item.type === 'anchor') continue
    if (run !== '') consider([run])
    run = ''
    consider(requiredBy(item))
  }
  if (run !== '') consider([run])
  return best
}

function singleCharacter({ negated, ranges, classes }: CharSet): string | null {
  const [low, high] = ranges
  if (negated || classes.length > 0 || ranges.length !== 2 || low === undefined || low !== high) return null
  // A lone surrogate may be half of a pair in the text, where the engine sees one character and `includes` two halves.
  return low >= 0xd800 && low <= 0xdfff ? null : String.fromCodePoint(low)
}

/** Longer texts are rarer; among equals, fewer are looked for sooner. */
function isBetter(candidate: readonly string[], best: readonly string[]): boolean {
  const difference = shortest(candidate) - shortest(best)
  return difference > 0 || (difference === 0 && candidate.length < best.length)
}

function shortest(literals: readonly string[]): number {
  return literals.reduce((length, literal) => Math.min(length, literal.length), Number.POSITIVE_INFINITY)
}
