import { compilePattern } from '../regex/index.ts'
import { parsePattern } from '../regex/parse.ts'
import { requiredLiterals } from './required-literals.ts'

/** A compiled regular expression of the language (contract-language §6). Both methods may throw at their input cap. */
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
  readonly #pattern: Pattern
  /** Undefined until the first test; null when nothing is required. */
  #needles: readonly string[] | null | undefined

  constructor(source: string) {
    this.#source = source
    this.#pattern = compilePattern(source)
  }

  test(text: string): boolean {
    if (this.#needles === undefined) this.#needles = requiredLiterals(parsePattern(this.#source).root)
    const needles = this.#needles
    if (needles === null) return this.#pattern.test(text)
    for (let i = 0; i < needles.length; i++) if (text.includes(needles[i] as string)) return this.#pattern.test(text)
    return false
  }

  replaceAll(text: string, replacement: string): string {
    return this.#pattern.replaceAll(text, replacement)
  }
}
