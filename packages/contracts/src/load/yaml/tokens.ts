/** What the scanner hands to the composer. Offsets are UTF-16 positions in the text. */
export const T = {
  end: 0,
  directive: 1,
  documentStart: 2,
  documentEnd: 3,
  blockSequence: 4,
  blockMapping: 5,
  blockEnd: 6,
  flowSequence: 7,
  flowMapping: 8,
  flowSequenceEnd: 9,
  flowMappingEnd: 10,
  entry: 11,
  flowEntry: 12,
  key: 13,
  value: 14,
  alias: 15,
  anchor: 16,
  tag: 17,
  scalar: 18,
} as const

export type TokenType = (typeof T)[keyof typeof T]

/** All tokens of a document, column by column: a document of a thousand contracts has some seventy thousand. */
export class Tokens {
  count = 0
  types = new Uint8Array(1024)
  starts = new Int32Array(1024)
  ends = new Int32Array(1024)
  /** 1 for a scalar written without quotes. */
  plain = new Uint8Array(1024)
  /** What comes before a token without text of its own: 1 a key, 2 a block mapping and its first key. */
  opens = new Uint8Array(1024)
  /** Index into `texts`. */
  textIndexes = new Int32Array(1024)
  /** Texts of scalars, names of anchors and aliases, tags and directives as written; the first is empty, for the others. */
  readonly texts: string[] = ['']

  push(type: TokenType, start: number, end: number): void {
    if (this.count === this.types.length) this.#grow()
    const at = this.count++
    this.types[at] = type
    this.starts[at] = start
    this.ends[at] = end
  }

  pushText(type: TokenType, start: number, end: number, text: string, plain: boolean): void {
    this.push(type, start, end)
    this.textIndexes[this.count - 1] = this.texts.push(text) - 1
    if (plain) this.plain[this.count - 1] = 1
  }

  #grow(): void {
    const size = this.count * 4
    this.types = grown(new Uint8Array(size), this.types)
    this.starts = grown(new Int32Array(size), this.starts)
    this.ends = grown(new Int32Array(size), this.ends)
    this.plain = grown(new Uint8Array(size), this.plain)
    this.opens = grown(new Uint8Array(size), this.opens)
    this.textIndexes = grown(new Int32Array(size), this.textIndexes)
  }
}

function grown<Column extends Uint8Array | Int32Array>(to: Column, from: Column): Column {
  to.set(from)
  return to
}

/** What stands where something else was expected, in words. */
export const TOKEN_NAMES: readonly string[] = [
  'the end of the document',
  'a directive',
  "a new document ('---')",
  "a document end ('...')",
  'a block sequence',
  'a block mapping',
  'the end of a block',
  "'['",
  "'{'",
  "']'",
  "'}'",
  "a sequence entry ('-')",
  "','",
  'a key',
  "':'",
  'an alias',
  'an anchor',
  'a tag',
  'a scalar',
]

/** The text is not YAML, or not the YAML this product accepts. */
export class YamlError extends Error {
  override readonly name = 'YamlError'
  readonly offset: number
  readonly hint: string | undefined
  constructor(reason: string, offset: number, hint?: string) {
    super(reason)
    this.offset = offset
    this.hint = hint
  }
}
