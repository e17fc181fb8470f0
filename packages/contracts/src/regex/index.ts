import type { Node, ParsedPattern } from './ast.ts'
import { Automaton, findLinear, type Span } from './automaton.ts'
import { findBacktracking } from './backtrack.ts'
import { type Cost, costOf, isProvenLinear } from './linear.ts'
import { nativeSource } from './native.ts'
import { PatternSyntaxError, parsePattern } from './parse.ts'
import { assemble, type Instruction, PatternLimitError } from './program.ts'
import { widthOf } from './width.ts'

export { PatternLimitError, PatternSyntaxError }

/** `matches` and `matches_any` look at this many code points of a value (contract-language §6). */
export const SUBJECT_LIMIT = 10_000

const BACKTRACK_BUDGET = 2_000_000
const REPLACE_STEPS_PER_CHARACTER = 200

/** A compiled Python `re` pattern with search semantics and bounded time (contract-language §6). */
export interface Pattern {
  readonly source: string
  /** `native` is proven linear, `automaton` is linear by construction, `backtracking` counts its steps. */
  readonly engine: 'native' | 'automaton' | 'backtracking'
  /**
   * Whether the pattern is found in the first 10,000 code points of the text.
   *
   * @throws {PatternLimitError} when the search asks for too much work; a policy error
   */
  test(text: string): boolean
  /**
   * The whole text with every match replaced, as Python's `re.sub` finds them; the replacement is literal.
   *
   * @throws {PatternLimitError} as `test`
   */
  replaceAll(text: string, replacement: string): string
}

/**
 * Compile a pattern. Reading happens now, so that every error surfaces at load; the engines are built at first use.
 *
 * @throws {PatternSyntaxError} when Python would not compile it
 */
export function compilePattern(source: string): Pattern {
  return new CompiledPattern(source, parsePattern(source))
}

class CompiledPattern implements Pattern {
  readonly source: string
  #engine: Pattern['engine'] | undefined
  readonly #parsed: ParsedPattern
  #native: RegExp | undefined
  #code: readonly Instruction[] | undefined
  #automaton: Automaton | undefined

  constructor(source: string, parsed: ParsedPattern) {
    this.source = source
    this.#parsed = parsed
  }

  get engine(): Pattern['engine'] {
    this.#engine ??= engineFor(this.#parsed, costOf(this.#parsed.root))
    return this.#engine
  }

  test(text: string): boolean {
    const subject = text.length > SUBJECT_LIMIT ? cut(text) : text
    switch (this.engine) {
      case 'native':
        this.#native ??= nativePattern(this.#parsed)
        return this.#native.test(subject)
      case 'automaton':
        this.#automaton ??= new Automaton(this.#program())
        return this.#automaton.test(subject)
      case 'backtracking':
        return findBacktracking(this.#program(), subject, 0, false, { steps: BACKTRACK_BUDGET }) !== null
    }
  }

  replaceAll(text: string, replacement: string): string {
    // The native engine treats empty matches and empty turns of a repeat otherwise than Python: those run on our own.
    if (this.engine === 'native' && !matchesEmptyParts(this.#parsed.root)) {
      return text.replaceAll(nativePattern(this.#parsed, 'g'), () => replacement)
    }
    const code = this.#program()
    const find = this.engine === 'backtracking' || costOf(this.#parsed.root).looksAround ? findBacktracking : findLinear
    const budget = { steps: BACKTRACK_BUDGET + text.length * REPLACE_STEPS_PER_CHARACTER }
    let result = ''
    let at = 0
    let mustAdvance = false
    for (let from = 0; from <= text.length; ) {
      const span: Span | null = find(code, text, from, mustAdvance, budget)
      if (span === null) break
      result += text.slice(at, span.start) + replacement
      at = span.end
      from = span.end
      mustAdvance = span.start === span.end
    }
    return at === 0 && result === '' ? text : result + text.slice(at)
  }

  #program(): readonly Instruction[] {
    this.#code ??= assemble(this.#parsed.root)
    return this.#code
  }
}

function engineFor(parsed: ParsedPattern, cost: Cost): Pattern['engine'] {
  if (isProvenLinear(parsed.root, cost)) return 'native'
  return cost.backtracks || cost.looksAround ? 'backtracking' : 'automaton'
}

function nativePattern(parsed: ParsedPattern, flags = ''): RegExp {
  const source = nativeSource(parsed.root)
  if (source === null) throw new PatternLimitError('the pattern cannot run on the native engine')
  return new RegExp(source, `v${flags}`)
}

/** Whether a match, or one turn of a repeat in it, may be empty. */
function matchesEmptyParts(root: Node): boolean {
  const hasEmptyTurns = (node: Node): boolean => {
    switch (node.type) {
      case 'sequence':
      case 'choice':
        return node.items.some(hasEmptyTurns)
      case 'repeat':
        return widthOf(node.body)[0] === 0 || hasEmptyTurns(node.body)
      case 'group':
      case 'look':
      case 'atomic':
        return hasEmptyTurns(node.body)
      case 'conditional':
        return true
      default:
        return false
    }
  }
  return widthOf(root)[0] === 0 || hasEmptyTurns(root)
}

/** The first 10,000 code points. */
function cut(text: string): string {
  let at = 0
  for (let count = 0; count < SUBJECT_LIMIT && at < text.length; count++) {
    const unit = text.charCodeAt(at++)
    if (unit < 0xd800 || unit > 0xdbff || at >= text.length) continue
    const low = text.charCodeAt(at)
    if (low >= 0xdc00 && low <= 0xdfff) at++
  }
  return at < text.length ? text.slice(0, at) : text
}
