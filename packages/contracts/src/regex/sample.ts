import type { Node } from './ast.ts'
import { type CharSet, MAX_CODE_POINT, setHas } from './chars.ts'
import { compilePattern } from './index.ts'
import { parsePattern } from './parse.ts'
import { PatternLimitError } from './program.ts'

const MAX_SAMPLES = 8
/** Repetitions within repetitions would grow without end. */
const LONGEST_SAMPLE = 2000
/** More turns of a repeat show nothing new. */
const MOST_TURNS = 64

/**
 * Texts a Python pattern finds something in: each alternative once, repetitions as few as allowed, one with something before
 * it. Empty when none was found; that proves nothing.
 *
 * @throws {PatternSyntaxError}
 */
export function samplePattern(source: string): readonly string[] {
  const pattern = compilePattern(source)
  const texts = samplesOf(parsePattern(source).root)
  const [first = ''] = texts
  return [...new Set([...texts, `x ${first}`])].filter((text) => isFound(() => pattern.test(text)))
}

function isFound(test: () => boolean): boolean {
  try {
    return test()
  } catch (error) {
    if (error instanceof PatternLimitError) return false
    throw error
  }
}

/** Texts that a part of a pattern matches, as far as that part alone can tell. */
export function samplesOf(node: Node): readonly string[] {
  switch (node.type) {
    case 'set': {
      const member = memberOf(node.set)
      return member === null ? [] : [member]
    }
    case 'sequence':
      return node.items.reduce<readonly string[]>(
        (texts, item) => {
          const parts = samplesOf(item)
          return texts
            .flatMap((text) => parts.map((part) => (text + part).slice(0, LONGEST_SAMPLE)))
            .slice(0, MAX_SAMPLES)
        },
        [''],
      )
    case 'choice':
      return node.items.flatMap(samplesOf).slice(0, MAX_SAMPLES)
    case 'repeat': {
      const turns = Math.min(Math.max(node.min, 1), MOST_TURNS)
      const once = node.max === 0 ? [] : samplesOf(node.body).map((text) => text.repeat(turns).slice(0, LONGEST_SAMPLE))
      return node.min === 0 ? ['', ...once] : once
    }
    case 'group':
    case 'atomic':
      return samplesOf(node.body)
    case 'conditional':
      return samplesOf(node.yes)
    case 'look':
      // What must stand before is written there; what must follow is part of what comes.
      return node.ahead || node.negated ? [''] : samplesOf(node.body)
    case 'anchor':
    case 'reference':
      return ['']
  }
}

/** Plain words first: a sample is read by people. */
const PREFERRED = Array.from('abcdefghijklmnopqrstuvwxyz0123456789 -_/.:~!', (char) => char.codePointAt(0) as number)

/** A character of a set; null when none was found. */
export function memberOf(set: CharSet): string | null {
  const [low] = set.ranges
  const known = PREFERRED.find((code) => setHas(set, code)) ?? (set.negated ? undefined : low)
  if (known !== undefined) return String.fromCodePoint(known)
  for (let code = 0; code <= MAX_CODE_POINT; code = code < 0x250 ? code + 1 : code * 2)
    if (setHas(set, code)) return String.fromCodePoint(code)
  return null
}
