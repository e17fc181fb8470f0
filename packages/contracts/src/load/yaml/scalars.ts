import { type Cursor, END, isBlankOrEnd, isBreak, isDocumentBorder, takeBreak } from './cursor.ts'
import { YamlError } from './tokens.ts'

/** Where a plain scalar may end: blanks, breaks, the end, and `: , ? [ ] { }`, which depend on what surrounds them. */
const STOPS = new Uint8Array(128)
for (const char of '\0 \t\n\r:,?[]{}') STOPS[char.charCodeAt(0)] = 1

/** A plain scalar. `end` is where its text ends; the cursor is after the blanks that follow. */
export function scanPlain(cursor: Cursor): { value: string; end: number } {
  const { text, inFlow } = cursor
  const indent = cursor.indent + 1
  let value = ''
  let blanks = ''
  let end = cursor.at
  for (;;) {
    if (text.charCodeAt(cursor.at) === 35) break
    const from = cursor.at
    let at = from
    for (;;) {
      const c = text.charCodeAt(at)
      // Letters, digits and most signs, by far the most characters, go through the first two tests only.
      if (c < 128 ? STOPS[c] !== 0 : isBlankOrEnd(c)) {
        if (c === 58) {
          const next = text.charCodeAt(at + 1)
          if (isBlankOrEnd(next) || (inFlow && isFlowIndicator(next))) break
        } else if (c <= 32 || c >= 128 || inFlow) break
      }
      at++
    }
    if (at === from) break
    cursor.at = at
    value = value === '' ? text.slice(from, at) : value + blanks + text.slice(from, at)
    end = at
    const spaces = plainSpaces(cursor)
    if (spaces === null || spaces === '') break
    blanks = spaces
    if (text.charCodeAt(cursor.at) === 35 || (!inFlow && cursor.at - cursor.lineStart < indent)) break
  }
  return { value, end }
}

function isFlowIndicator(c: number): boolean {
  return c === 44 || c === 91 || c === 93 || c === 123 || c === 125
}

/** Blanks and line breaks inside a plain scalar, folded; null when a document border ends it. */
function plainSpaces(cursor: Cursor): string | null {
  const { text } = cursor
  const from = cursor.at
  while (text.charCodeAt(cursor.at) === 32) cursor.at++
  const spaces = cursor.at - from
  if (!isBreak(text.charCodeAt(cursor.at))) return spaces === 0 ? '' : text.slice(from, cursor.at)
  const first = takeBreak(cursor)
  cursor.brokeLine = true
  if (isDocumentBorder(text, cursor.at)) return null
  let breaks = ''
  for (;;) {
    const c = text.charCodeAt(cursor.at)
    if (c === 32) cursor.at++
    else if (isBreak(c)) {
      breaks += takeBreak(cursor)
      if (isDocumentBorder(text, cursor.at)) return null
    } else break
  }
  return first === '\n' ? breaks || ' ' : first + breaks
}

/** A single-quoted scalar, the cursor at its opening quote. */
export function scanSingleQuoted(cursor: Cursor): string {
  const { text } = cursor
  const start = cursor.at++
  let value = ''
  for (;;) {
    const from = cursor.at
    let c = text.charCodeAt(cursor.at)
    while (c !== 39 && !isBlankOrEnd(c)) c = text.charCodeAt(++cursor.at)
    value += text.slice(from, cursor.at)
    if (c !== 39) {
      value += quotedSpaces(cursor, start)
      continue
    }
    if (text.charCodeAt(cursor.at + 1) !== 39) break
    value += "'"
    cursor.at += 2
  }
  cursor.at++
  return value
}

const ESCAPES: Readonly<Record<string, string>> = {
  0: '\0',
  a: '\x07',
  b: '\b',
  t: '\t',
  '\t': '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\x1b',
  ' ': ' ',
  '"': '"',
  '\\': '\\',
  '/': '/',
  N: '\x85',
  _: '\xa0',
  L: '\u2028',
  P: '\u2029',
}

/** A double-quoted scalar, the cursor at its opening quote. */
export function scanDoubleQuoted(cursor: Cursor): string {
  const { text } = cursor
  const start = cursor.at++
  let value = ''
  for (;;) {
    const from = cursor.at
    let c = text.charCodeAt(cursor.at)
    while (c !== 34 && c !== 92 && !isBlankOrEnd(c)) c = text.charCodeAt(++cursor.at)
    value += text.slice(from, cursor.at)
    if (c === 34) break
    value += c === 92 ? takeEscape(cursor, start) : quotedSpaces(cursor, start)
  }
  cursor.at++
  return value
}

function takeEscape(cursor: Cursor, start: number): string {
  const { text } = cursor
  const char = text.charAt(++cursor.at)
  if (Object.hasOwn(ESCAPES, char)) {
    cursor.at++
    return ESCAPES[char] as string
  }
  const length = char === 'x' ? 2 : char === 'u' ? 4 : char === 'U' ? 8 : 0
  if (length > 0) {
    const digits = text.slice(cursor.at + 1, cursor.at + 1 + length)
    const code = Number.parseInt(digits, 16)
    if (!/^[0-9A-Fa-f]+$/.test(digits) || digits.length !== length || code > 0x10_ffff) {
      throw new YamlError(`\\${char} needs ${length} hexadecimal digits of a character`, cursor.at)
    }
    cursor.at += 1 + length
    return String.fromCodePoint(code)
  }
  if (isBreak(text.charCodeAt(cursor.at))) {
    takeBreak(cursor)
    return quotedBreaks(cursor, start)
  }
  throw new YamlError(
    `'\\${char}' is no escape in a double-quoted text`,
    cursor.at - 1,
    'write patterns in single quotes, where a backslash is just a backslash',
  )
}

function quotedSpaces(cursor: Cursor, start: number): string {
  const { text } = cursor
  const from = cursor.at
  while (text.charCodeAt(cursor.at) === 32 || text.charCodeAt(cursor.at) === 9) cursor.at++
  const c = text.charCodeAt(cursor.at)
  if (c === END) throw new YamlError('a quoted text is not closed', start)
  if (!isBreak(c)) return text.slice(from, cursor.at)
  const first = takeBreak(cursor)
  const breaks = quotedBreaks(cursor, start)
  return first === '\n' ? breaks || ' ' : first + breaks
}

function quotedBreaks(cursor: Cursor, start: number): string {
  const { text } = cursor
  let breaks = ''
  for (;;) {
    if (isDocumentBorder(text, cursor.at))
      throw new YamlError('a quoted text is not closed before the document ends', start)
    while (text.charCodeAt(cursor.at) === 32 || text.charCodeAt(cursor.at) === 9) cursor.at++
    if (!isBreak(text.charCodeAt(cursor.at))) return breaks
    breaks += takeBreak(cursor)
  }
}

/** A literal or folded block scalar, the cursor at its indicator. */
export function scanBlockScalar(cursor: Cursor, folded: boolean): string {
  const { text } = cursor
  const header = /[|>](?:([+-])([0-9])?|([0-9])([+-])?)?/y
  header.lastIndex = cursor.at
  const found = header.exec(text)
  const chomping = found?.[1] ?? found?.[4]
  const digit = found?.[2] ?? found?.[3]
  cursor.at += found?.[0].length ?? 1
  if (digit === '0') throw new YamlError('the indentation of a block text is a digit from 1 to 9', cursor.at - 1)
  const afterHeader = cursor.at
  while (text.charCodeAt(cursor.at) === 32) cursor.at++
  const hasBlank = cursor.at > afterHeader
  if (text.charCodeAt(cursor.at) === 35 && hasBlank) {
    while (text.charCodeAt(cursor.at) !== END && !isBreak(text.charCodeAt(cursor.at))) cursor.at++
  }
  if (text.charCodeAt(cursor.at) !== END) {
    if (!isBreak(text.charCodeAt(cursor.at)))
      throw new YamlError('expected a line break after a block text indicator', cursor.at)
    takeBreak(cursor)
  }

  const least = Math.max(1, cursor.indent + 1)
  let indent = least + Number(digit ?? 1) - 1
  let breaks: string
  if (digit === undefined) {
    const leading = blockIndentation(cursor)
    breaks = leading.breaks
    indent = Math.max(least, leading.deepest)
  } else breaks = blockBreaks(cursor, indent)

  let value = ''
  let lastBreak = ''
  while (cursor.at - cursor.lineStart === indent && text.charCodeAt(cursor.at) !== END) {
    value += breaks
    const beginsBlank = isBlank(text.charCodeAt(cursor.at))
    const from = cursor.at
    while (text.charCodeAt(cursor.at) !== END && !isBreak(text.charCodeAt(cursor.at))) cursor.at++
    value += text.slice(from, cursor.at)
    lastBreak = text.charCodeAt(cursor.at) !== END ? takeBreak(cursor) : ''
    breaks = blockBreaks(cursor, indent)
    if (cursor.at - cursor.lineStart !== indent || text.charCodeAt(cursor.at) === END) break
    if (folded && lastBreak === '\n' && !beginsBlank && !isBlank(text.charCodeAt(cursor.at))) {
      if (breaks === '') value += ' '
    } else value += lastBreak
  }
  if (chomping !== '-') value += lastBreak
  if (chomping === '+') value += breaks
  return value
}

function isBlank(c: number): boolean {
  return c === 32 || c === 9
}

function blockIndentation(cursor: Cursor): { breaks: string; deepest: number } {
  let breaks = ''
  let deepest = 0
  for (;;) {
    const c = cursor.text.charCodeAt(cursor.at)
    if (c === 32) {
      cursor.at++
      deepest = Math.max(deepest, cursor.at - cursor.lineStart)
    } else if (isBreak(c)) breaks += takeBreak(cursor)
    else return { breaks, deepest }
  }
}

function blockBreaks(cursor: Cursor, indent: number): string {
  const { text } = cursor
  let breaks = ''
  for (;;) {
    while (cursor.at - cursor.lineStart < indent && text.charCodeAt(cursor.at) === 32) cursor.at++
    if (!isBreak(text.charCodeAt(cursor.at))) return breaks
    breaks += takeBreak(cursor)
  }
}
