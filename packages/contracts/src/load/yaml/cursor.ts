/** The place a scalar scanner works at; it moves `at`, and `line`/`lineStart` when it passes a line break. */
export interface Cursor {
  readonly text: string
  at: number
  line: number
  lineStart: number
  /** Column of the innermost block collection, -1 outside of any. */
  readonly indent: number
  readonly inFlow: boolean
  /** Set by a plain scalar that ended at a line break. */
  brokeLine: boolean
}

/** Ends the text: NUL is no character of YAML. */
export const END = 0

/** End of text, blank or line break. */
export function isBlankOrEnd(c: number): boolean {
  return c <= 32 ? c === 32 || c === 10 || c === 13 || c === 9 || c === END : c >= 0x85 && isBreak(c)
}

export function isBreak(c: number): boolean {
  return c === 10 || c === 13 || c === 0x85 || c === 0x2028 || c === 0x2029
}

/** Step over one line break at the cursor; the text it stands for. */
export function takeBreak(cursor: Cursor): string {
  const c = cursor.text.charCodeAt(cursor.at)
  cursor.at += c === 13 && cursor.text.charCodeAt(cursor.at + 1) === 10 ? 2 : 1
  cursor.line++
  cursor.lineStart = cursor.at
  return c === 0x2028 ? '\u2028' : c === 0x2029 ? '\u2029' : '\n'
}

/** Whether `---` or `...` with nothing attached stands at the cursor. */
export function isDocumentBorder(text: string, at: number): boolean {
  const c = text.charCodeAt(at)
  if (c !== 45 && c !== 46) return false
  return text.charCodeAt(at + 1) === c && text.charCodeAt(at + 2) === c && isBlankOrEnd(text.charCodeAt(at + 3))
}
