import { MAX_BACKTRACKING_TEXT } from '../bounds.ts'
import { type Pattern as CompiledPattern, compilePattern } from '../regex/index.ts'
import { parsePattern } from '../regex/parse.ts'
import { widthOf } from '../regex/width.ts'
import { requiredLiterals } from './required-literals.ts'

/** A compiled regular expression of the language. Both methods throw for a text that is longer than its engine takes. */
export interface Pattern {
  test(text: string): boolean
  replaceAll(text: string, replacement: string): string
}

/** Compiles each distinct pattern of a policy once. */
export class PatternCache {
  readonly #patterns = new Map<string, Pattern>()

  get(source: string): Pattern {
    let pattern = this.#patterns.get(source)
    if (pattern === undefined) {
      pattern = new FilteredPattern(source)
      this.#patterns.set(source, pattern)
    }
    return pattern
  }
}

/** A pattern that asks the engine only about texts that hold what every match needs. */
class FilteredPattern implements Pattern {
  readonly #source: string
  readonly #pattern: CompiledPattern
  /** Undefined until the first test; null when nothing is required. */
  #needles: readonly string[] | null | undefined
  /** A shorter text holds no match. */
  #minLength = 0

  constructor(source: string) {
    this.#source = source
    this.#pattern = compilePattern(source)
  }

  test(text: string): boolean {
    const needles = this.#needles === undefined ? this.#prepare() : this.#needles
    if (text.length < this.#minLength) return false
    if (needles === null) return this.#pattern.test(text)
    if (text.length > MAX_BACKTRACKING_TEXT) this.#pattern.requireLength(text)
    for (let i = 0; i < needles.length; i++) if (text.includes(needles[i] as string)) return this.#pattern.test(text)
    return false
  }

  /** Backtracking is so much dearer than looking for a text that a single character is worth looking for. */
  #prepare(): readonly string[] | null {
    const { root } = parsePattern(this.#source)
    this.#needles = this.#pattern.engine === 'backtracking' ? requiredLiterals(root, 1) : requiredLiterals(root)
    this.#minLength = Math.min(widthOf(root)[0], MAX_BACKTRACKING_TEXT)
    return this.#needles
  }

  replaceAll(text: string, replacement: string): string {
    return this.#pattern.replaceAll(text, replacement)
  }
}
