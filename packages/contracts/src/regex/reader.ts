/** A pattern that Python's `re` would not compile. The message is the engine's, with the position in code points. */
export class PatternSyntaxError extends Error {
  override readonly name = 'PatternSyntaxError'
  /** In code points from 0; null where the engine names none. */
  readonly position: number | null
  constructor(reason: string, position: number | null) {
    super(position === null ? reason : `${reason} at position ${position}`)
    this.position = position
  }
}

/** A pattern as its characters, and how far it is read. */
export class PatternReader {
  readonly chars: readonly string[]
  at = 0

  constructor(source: string) {
    this.chars = Array.from(source)
  }

  error(reason: string, at = this.at): PatternSyntaxError {
    return new PatternSyntaxError(reason, at)
  }

  get next(): string | undefined {
    return this.chars[this.at]
  }

  accept(char: string): boolean {
    if (this.chars[this.at] !== char) return false
    this.at++
    return true
  }

  /** The next character, taken; where the pattern ends, `reason` is thrown. */
  take(reason: string, at?: number): string {
    const char = this.chars[this.at]
    if (char === undefined) throw this.error(reason, at)
    this.at++
    return char
  }

  /** As many allowed characters as there are, up to `max`. */
  while(max: number, allowed: RegExp): string {
    let text = ''
    while (text.length < max && this.next !== undefined && allowed.test(this.next)) text += this.chars[this.at++]
    return text
  }

  /** The text up to `end`, which is taken as well; `what` it is, for the error. */
  until(end: string, what: string): string {
    const start = this.at
    const close = this.chars.indexOf(end, start)
    if (close === -1) {
      const missing = start < this.chars.length
      throw this.error(missing ? `missing ${end}, unterminated name` : `missing ${what}`, start)
    }
    this.at = close + 1
    if (close === start) throw this.error(`missing ${what}`, start)
    return this.chars.slice(start, close).join('')
  }
}
