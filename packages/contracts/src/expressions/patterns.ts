import { compilePattern } from '../regex/index.ts'

/** A compiled regular expression of the language (contract-language §6). Both methods may throw at their input cap. */
export type Pattern = ReturnType<typeof compilePattern>

/** Compiles each distinct pattern of a policy once. */
export class PatternCache {
  readonly #patterns = new Map<string, Pattern>()

  get(source: string): Pattern {
    let pattern = this.#patterns.get(source)
    if (pattern === undefined) {
      pattern = compilePattern(source)
      this.#patterns.set(source, pattern)
    }
    return pattern
  }
}
