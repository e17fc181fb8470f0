import type { Node } from './ast.ts'
import { findBacktracking } from './backtrack.ts'
import { setHas } from './chars.ts'
import { assemble, PatternLimitError } from './program.ts'
import { memberOf, samplesOf } from './sample.ts'

/** Long enough that a quadratic search shows, short enough to try many. */
const LENGTH = 256
/**
 * Steps for each character of a text that cost an engine that backtracks less than a millisecond on the 10,000 characters it
 * looks at. A search whose cost grows faster than its text is beyond it at `LENGTH` already.
 */
const STEPS_PER_CHARACTER = 16
const MOST_PIECES = 12
/** Characters that sets of all kinds have in common: letters, digits, blanks, signs. */
const COMMON = ['a', '0', ' ', '\n', '-', '/']

/** What measuring may cost altogether, for all patterns of a document. */
export interface MeasureBudget {
  steps: number
}

export const measureBudget = (): MeasureBudget => ({ steps: 8_000_000 })

/**
 * Whether no text was found on which a backtracking search takes longer than about a millisecond. The texts are made of the
 * pattern: each of its parts repeated, behind what comes before it, with an end that does not fit. Steps are counted, not time,
 * so the answer is the same everywhere. When the budget is used up, false.
 */
export function isMeasuredCheap(root: Node, budget: MeasureBudget): boolean {
  const code = assemble(root)
  for (const text of attacksOn(root)) {
    const limit = STEPS_PER_CHARACTER * text.length
    if (budget.steps < limit) return false
    const run = { steps: limit }
    try {
      findBacktracking(code, text, 0, false, run)
    } catch (error) {
      if (error instanceof PatternLimitError) return false
      throw error
    } finally {
      budget.steps -= limit - Math.max(run.steps, 0)
    }
  }
  return true
}

function* attacksOn(root: Node): Generator<string> {
  for (const branch of branchesOf(root)) {
    const pieces = branch.slice(0, MOST_PIECES)
    const texts = pieces.map((piece) => piece.text)
    const characters = new Set(pieces.flatMap((piece) => piece.characters))
    for (let from = 0; from <= texts.length; from++) {
      const before = texts.slice(0, from).join('')
      for (const character of characters) yield* withEnds(before, character)
      let pump = ''
      for (const text of texts.slice(from)) {
        pump += text
        // Words may have to stand alone to be found.
        for (const each of [pump, `${pump} `]) {
          yield* withEnds(before, each)
          if (before !== '') yield* withEnds('', each)
        }
      }
    }
  }
}

/** A text repeated behind another, with nothing after it and with what hardly any pattern asks for. */
function* withEnds(before: string, pump: string): Generator<string> {
  if (pump === '') return
  const text = before + pump.repeat(Math.ceil(LENGTH / pump.length))
  yield text
  yield `${text}\0`
}

interface Piece {
  /** A text it matches, with each repeat turned once; empty where there is none. */
  readonly text: string
  /** Characters that it may match many of. */
  readonly characters: readonly string[]
}

/** The pieces of a pattern one after another, for each of its alternatives at the top; words are one piece. */
function branchesOf(node: Node): readonly (readonly Piece[])[] {
  if (node.type === 'choice') return node.items.flatMap(branchesOf)
  if (node.type === 'group' && node.body.type === 'choice') return branchesOf(node.body)
  const pieces: Piece[] = []
  let word = ''
  for (const part of partsOf(node)) {
    if (part.type === 'set') word += textOf(part)
    else if (part.type !== 'anchor') {
      if (word !== '') pieces.push({ text: word, characters: [] })
      word = ''
      pieces.push({ text: textOf(part), characters: charactersOf(part) })
    }
  }
  if (word !== '') pieces.push({ text: word, characters: [] })
  return [pieces]
}

function partsOf(node: Node): readonly Node[] {
  if (node.type === 'sequence') return node.items.flatMap(partsOf)
  return node.type === 'group' || node.type === 'atomic' ? partsOf(node.body) : [node]
}

function textOf(node: Node): string {
  return (
    samplesOf(node)
      .findLast((text) => text !== '')
      ?.slice(0, LENGTH) ?? ''
  )
}

/** A character of every set in a part, and those that many sets hold. */
function charactersOf(node: Node): readonly string[] {
  switch (node.type) {
    case 'set': {
      const member = memberOf(node.set)
      return member === null ? [] : [member, ...COMMON.filter((char) => setHas(node.set, char.charCodeAt(0)))]
    }
    case 'sequence':
    case 'choice':
      return node.items.flatMap(charactersOf)
    case 'repeat':
    case 'group':
    case 'atomic':
    case 'look':
      return charactersOf(node.body)
    case 'conditional':
      return [...charactersOf(node.yes), ...charactersOf(node.no)]
    default:
      return []
  }
}
