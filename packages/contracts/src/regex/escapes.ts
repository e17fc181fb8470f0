import { type CharClass, type CharSet, type ClassName, foldRanges } from './chars.ts'
import type { Flags } from './flags.ts'
import type { PatternReader } from './reader.ts'

const SIMPLE_ESCAPES: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 }

/** Letters that stand for a class of characters after a backslash. */
export const CLASS_LETTERS = 'dDwWsS'

export function octal(reader: PatternReader, digits: string, start: number): number {
  const code = Number.parseInt(digits, 8)
  if (code > 0o377) throw reader.error(`octal escape value \\${digits} outside of range 0-0o377`, start)
  return code
}

/** `\n`, `\x41`, `\u0041`, `\U00000041`: escapes that mean one character inside and outside of brackets. */
export function characterEscape(reader: PatternReader, c: string, start: number): number | null {
  const simple = Object.hasOwn(SIMPLE_ESCAPES, c) ? SIMPLE_ESCAPES[c] : undefined
  if (simple !== undefined) return simple
  const length = c === 'x' ? 2 : c === 'u' ? 4 : c === 'U' ? 8 : 0
  if (length > 0) {
    const digits = reader.while(length, /[0-9a-fA-F]/)
    if (digits.length !== length) throw reader.error(`incomplete escape \\${c}${digits}`, start)
    const code = Number.parseInt(digits, 16)
    if (code > 0x10_ffff) throw reader.error(`bad escape \\${c}${digits}`, start)
    return code
  }
  if (c === 'N') {
    if (!reader.accept('{')) throw reader.error('missing {')
    const name = reader.until('}', 'character name')
    throw reader.error(`characters by name (\\N{${name}}) are not supported; write the code point as \\uXXXX`, start)
  }
  return null
}

/** A set, after its opening bracket. */
export function readSet(reader: PatternReader, flags: Flags, start: number): CharSet {
  const negated = reader.accept('^')
  let ranges: number[] = []
  const classes: CharClass[] = []
  let empty = true
  const unterminated = () => reader.error('unterminated character set', start)
  for (;;) {
    const from = reader.at
    const char = reader.next
    if (char === undefined) throw unterminated()
    reader.at++
    if (char === ']' && !empty) break
    empty = false
    const low = char === '\\' ? setEscape(reader, from) : (char.codePointAt(0) as number)
    if (!reader.accept('-')) {
      if (typeof low === 'number') ranges.push(low, low)
      else classes.push({ name: low, ascii: flags.ascii })
      continue
    }
    const to = reader.at
    const until = reader.next
    if (until === undefined) throw unterminated()
    reader.at++
    if (until === ']') {
      if (typeof low === 'number') ranges.push(low, low)
      else classes.push({ name: low, ascii: flags.ascii })
      ranges.push(45, 45)
      break
    }
    const high = until === '\\' ? setEscape(reader, to) : (until.codePointAt(0) as number)
    if (typeof low !== 'number' || typeof high !== 'number' || high < low) {
      throw reader.error(`bad character range ${reader.chars.slice(from, reader.at).join('')}`, from)
    }
    ranges.push(low, high)
  }
  if (flags.ignoreCase) ranges = foldRanges(ranges, flags.ascii)
  return { negated, ranges, classes }
}

function setEscape(reader: PatternReader, start: number): number | ClassName {
  const c = reader.take('bad escape (end of pattern)', start)
  if (CLASS_LETTERS.includes(c)) return c as ClassName
  if (c === 'b') return 8
  const code = characterEscape(reader, c, start)
  if (code !== null) return code
  if (/^[0-7]$/.test(c)) return octal(reader, c + reader.while(2, /[0-7]/), start)
  if (/^[A-Za-z89]$/.test(c)) throw reader.error(`bad escape \\${c}`, start)
  return c.codePointAt(0) as number
}
