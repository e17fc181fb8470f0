import { MAX_BACKTRACKING_TEXT, MAX_PATTERN_TEXT } from '../bounds.ts'
import type { Node, ParsedPattern } from './ast.ts'
import { Automaton, findLinear, type Span } from './automaton.ts'
import { findBacktracking } from './backtrack.ts'
import { type Cost, costOf, isProvenLinear, stepsPerStart } from './linear.ts'
import { nativeSource } from './native.ts'
import { PatternSyntaxError, parsePattern } from './parse.ts'
import { assemble, type Instruction, PatternLimitError } from './program.ts'
import { widthOf } from './width.ts'

export { PatternLimitError, PatternSyntaxError }

/** The native engine is proven linear, but not how steep: beyond this many steps the automaton is the quicker one. */
const NATIVE_STEPS = 50_000_000

const BACKTRACK_BUDGET = 2_000_000
const REPLACE_STEPS_PER_CHARACTER = 200

/** A compiled Python `re` pattern with search semantics and bounded time. */
export interface Pattern {
  readonly source: string
  /** `native` is proven linear, `automaton` is linear by construction, `backtracking` counts its steps. */
  readonly engine: 'native' | 'automaton' | 'backtracking'
  /**
   * Whether the pattern is found anywhere in the text.
   *
   * @throws {PatternLimitError} when the text is longer than the engine takes, or asks for too much work; a policy error
   */
  test(text: string): boolean
  /**
   * Nothing, when the text is no longer than the pattern's engine takes.
   *
   * @throws {PatternLimitError} otherwise
   */
  requireLength(text: string): void
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
  /** What one start may cost the native engine. */
  #stepsPerStart = 1
  #looksAround = false
  readonly #parsed: ParsedPattern
  #native: RegExp | undefined
  #code: readonly Instruction[] | undefined
  #automaton: Automaton | undefined

  constructor(source: string, parsed: ParsedPattern) {
    this.source = source
    this.#parsed = parsed
  }

  get engine(): Pattern['engine'] {
    if (this.#engine === undefined) {
      const cost = costOf(this.#parsed.root)
      this.#stepsPerStart = stepsPerStart(this.#parsed.root, cost)
      this.#looksAround = cost.looksAround
      this.#engine = engineFor(this.#parsed, cost)
    }
    return this.#engine
  }

  test(text: string): boolean {
    if (text.length > MAX_BACKTRACKING_TEXT) this.requireLength(text)
    switch (this.engine) {
      case 'native':
        if (text.length * this.#stepsPerStart > NATIVE_STEPS && !this.#looksAround) return this.#runAutomaton(text)
        this.#native ??= nativePattern(this.#parsed)
        return this.#native.test(text)
      case 'automaton':
        return this.#runAutomaton(text)
      case 'backtracking':
        return findBacktracking(this.#program(), text, 0, false, { steps: BACKTRACK_BUDGET }) !== null
    }
  }

  #runAutomaton(text: string): boolean {
    this.#automaton ??= new Automaton(this.#program())
    return this.#automaton.test(text)
  }

  requireLength(text: string): void {
    if (text.length > MAX_PATTERN_TEXT) {
      throw new PatternLimitError(
        `the text is longer than ${MAX_PATTERN_TEXT} characters, which no pattern is run over`,
      )
    }
    if (this.engine === 'backtracking' && hasMoreCodePoints(text, MAX_BACKTRACKING_TEXT)) {
      throw new PatternLimitError(
        `the text is longer than ${MAX_BACKTRACKING_TEXT} characters, which a pattern that needs backtracking is not run over`,
      )
    }
  }

  replaceAll(text: string, replacement: string): string {
    if (text.length > MAX_BACKTRACKING_TEXT) this.requireLength(text)
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

function hasMoreCodePoints(text: string, limit: number): boolean {
  if (text.length > 2 * limit) return true
  let count = 0
  for (const _ of text) if (++count > limit) return true
  return false
}
