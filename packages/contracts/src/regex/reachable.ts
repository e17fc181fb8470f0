import type { Anchor, Node } from './ast.ts'
import { type CharSet, setHas } from './chars.ts'
import { collectFirst } from './linear.ts'
import { widthOf } from './width.ts'

/**
 * Whether a pattern may find something in some text. False is certain: it asks for something behind the end or before the
 * start of the text, or for a character that is none.
 */
export function mayMatch(node: Node): boolean {
  switch (node.type) {
    case 'set':
      return !isEmpty(node.set)
    case 'sequence': {
      const items = partsOf(node)
      return items.every(mayMatch) && items.every((item, at) => item.type !== 'anchor' || fits(item.anchor, items, at))
    }
    case 'choice':
      return node.items.some(mayMatch)
    case 'repeat':
      return node.min === 0 || mayMatch(node.body)
    case 'group':
    case 'atomic':
      return mayMatch(node.body)
    case 'look':
      return node.negated || mayMatch(node.body)
    case 'conditional':
      return mayMatch(node.yes) || mayMatch(node.no)
    case 'anchor':
    case 'reference':
      return true
  }
}

/** Members of a sequence, groups that merely hold sequences opened. */
function partsOf(node: Node): readonly Node[] {
  if (node.type === 'sequence') return node.items.flatMap(partsOf)
  return node.type === 'group' ? partsOf(node.body) : [node]
}

const NEWLINE = 10

/** Whether what stands around an anchor leaves it a place. */
function fits(anchor: Anchor, items: readonly Node[], at: number): boolean {
  const needed = (parts: readonly Node[]) => parts.filter((part) => widthOf(part)[0] > 0)
  const after = items.slice(at + 1)
  switch (anchor) {
    case 'textStart':
      return needed(items.slice(0, at)).length === 0
    case 'textEnd':
      return needed(after).length === 0
    case 'finalEnd': {
      // One line break may follow the end of the last line, and nothing else.
      const width = after.reduce((sum, part) => sum + widthOf(part)[0], 0)
      return width < 2 && needed(after).every(mayBeginWithNewline)
    }
    case 'lineEnd': {
      const next = after.find((part) => part.type !== 'anchor')
      return next === undefined || widthOf(next)[0] === 0 || mayBeginWithNewline(next)
    }
    default:
      return true
  }
}

function mayBeginWithNewline(node: Node): boolean {
  const sets: CharSet[] = []
  return !collectFirst(node, sets) || sets.some((set) => setHas(set, NEWLINE))
}

/** A set that leaves out a class and its opposite, such as `[^\\s\\S]`. */
function isEmpty({ negated, ranges, classes }: CharSet): boolean {
  if (!negated) return ranges.length === 0 && classes.length === 0
  return classes.some(({ name, ascii }) =>
    classes.some(
      (other) => other.ascii === ascii && other.name !== name && other.name.toLowerCase() === name.toLowerCase(),
    ),
  )
}
