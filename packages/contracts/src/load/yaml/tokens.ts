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

export interface Token {
  readonly type: TokenType
  readonly start: number
  readonly end: number
  /** Text of a scalar, name of an anchor or alias, a tag as written, a directive as written. */
  readonly text: string
  readonly plain: boolean
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
