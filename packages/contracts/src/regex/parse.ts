import type { Anchor, Node, ParsedPattern } from './ast.ts'
import { type CharClass, type CharSet, type ClassName, caseVariants, foldRanges } from './chars.ts'
import { widthOf } from './width.ts'

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

interface Flags {
  readonly ignoreCase: boolean
  readonly multiline: boolean
  readonly dotAll: boolean
  readonly verbose: boolean
  readonly ascii: boolean
}

/** What was parsed last in a sequence: decides whether a quantifier may follow. */
type Repeatable = 'nothing' | 'anchor' | 'repeat' | 'item'

interface Group {
  readonly name: string | null
  open: boolean
  width: readonly [number, number]
}

const MAX_REPEAT = 4_294_967_295
const NO_FLAGS: Flags = { ignoreCase: false, multiline: false, dotAll: false, verbose: false, ascii: false }
const FLAG_NAMES: Readonly<Record<string, keyof Flags | 'unicode' | 'locale'>> = {
  i: 'ignoreCase',
  m: 'multiline',
  s: 'dotAll',
  x: 'verbose',
  a: 'ascii',
  u: 'unicode',
  L: 'locale',
}
const SIMPLE_ESCAPES: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 }
const CLASS_LETTERS = 'dDwWsS'
const ANY: CharSet = { negated: true, ranges: [], classes: [] }
const NOT_NEWLINE: CharSet = { negated: true, ranges: [10, 10], classes: [] }
const NO_CLASSES: readonly CharClass[] = []
const IDENTIFIER = /^[\p{XID_Start}_]\p{XID_Continue}*$/u

/**
 * Read a Python 3.11 `re` pattern, with Python's own rules of what is an error (contract-language §6.1).
 *
 * @throws {PatternSyntaxError} where Python raises `re.error`; also for `\N{…}`, which needs Unicode's name table.
 */
export function parsePattern(source: string): ParsedPattern {
  const parser = new Parser(source, NO_FLAGS)
  try {
    return parser.parse()
  } catch (error) {
    if (!(error instanceof RestartVerbose)) throw error
    return new Parser(source, { ...NO_FLAGS, verbose: true }).parse()
  }
}

/** A global `(?x)` changes how the text before it reads, so reading starts anew. */
class RestartVerbose extends Error {}

class Parser {
  readonly #source: readonly string[]
  #at = 0
  #flags: Flags
  readonly #verboseFromStart: boolean
  readonly #groups: Group[] = []
  #lookBehindFrom: number | null = null
  #unicodeAsked = false
  readonly #forward: { group: number; position: number }[] = []

  constructor(source: string, flags: Flags) {
    this.#source = Array.from(source)
    this.#flags = flags
    this.#verboseFromStart = flags.verbose
  }

  parse(): ParsedPattern {
    const root = this.#choice(() => this.#flags, 0)
    if (this.#at < this.#source.length) throw this.#error('unbalanced parenthesis')
    for (const { group, position } of this.#forward) {
      if (group > this.#groups.length) throw this.#error(`invalid group reference ${group}`, position)
    }
    return { root, groups: this.#groups.length }
  }

  #error(reason: string, at = this.#at): PatternSyntaxError {
    return new PatternSyntaxError(reason, at)
  }

  get #next(): string | undefined {
    return this.#source[this.#at]
  }

  #accept(char: string): boolean {
    if (this.#source[this.#at] !== char) return false
    this.#at++
    return true
  }

  #while(max: number, allowed: RegExp): string {
    let text = ''
    while (text.length < max && this.#next !== undefined && allowed.test(this.#next)) text += this.#source[this.#at++]
    return text
  }

  #until(end: string, what: string): string {
    const start = this.#at
    const close = this.#source.indexOf(end, start)
    if (close === -1) {
      const missing = start < this.#source.length
      throw this.#error(missing ? `missing ${end}, unterminated name` : `missing ${what}`, start)
    }
    this.#at = close + 1
    if (close === start) throw this.#error(`missing ${what}`, start)
    return this.#source.slice(start, close).join('')
  }

  /** Flags come as a function: a global `(?i)` at the start changes them for what follows. */
  #choice(flags: () => Flags, depth: number): Node {
    if (depth > 200) throw this.#error('groups are nested too deeply')
    const items = [this.#sequence(flags, depth, depth === 0)]
    while (this.#accept('|')) items.push(this.#sequence(flags, depth, false))
    return items.length === 1 ? (items[0] as Node) : { type: 'choice', items }
  }

  #sequence(flagsNow: () => Flags, depth: number, first: boolean): Node {
    const items: Node[] = []
    let last: Repeatable = 'nothing'
    let flags = flagsNow()
    for (;;) {
      const start = this.#at
      const char = this.#next
      if (char === undefined || char === '|' || char === ')') break
      this.#at++
      if (flags.verbose) {
        if (' \t\n\r\v\f'.includes(char)) continue
        if (char === '#') {
          while (this.#next !== undefined && this.#source[this.#at++] !== '\n');
          continue
        }
      }
      switch (char) {
        case '\\': {
          const node = this.#escape(flags, start)
          items.push(node)
          last = node.type === 'anchor' ? 'anchor' : 'item'
          continue
        }
        case '[':
          items.push({ type: 'set', set: this.#set(flags, start) })
          last = 'item'
          continue
        case '.':
          items.push({ type: 'set', set: flags.dotAll ? ANY : NOT_NEWLINE })
          last = 'item'
          continue
        case '^':
          items.push(anchor(flags.multiline ? 'lineStart' : 'textStart', flags))
          last = 'anchor'
          continue
        case '$':
          items.push(anchor(flags.multiline ? 'lineEnd' : 'finalEnd', flags))
          last = 'anchor'
          continue
        case '(': {
          const node = this.#parenthesis(flags, depth, start, first && items.length === 0)
          if (node === 'comment') continue
          if (node === 'flags') {
            flags = flagsNow()
            continue
          }
          items.push(node)
          last = 'item'
          continue
        }
        case '*':
        case '+':
        case '?':
        case '{': {
          const count = this.#count(char, start)
          if (count === null) {
            items.push(literal(123, flags))
            last = 'item'
            continue
          }
          const body = items.at(-1)
          if (body === undefined || last === 'nothing' || last === 'anchor')
            throw this.#error('nothing to repeat', start)
          if (last === 'repeat') throw this.#error('multiple repeat', start)
          const manner = this.#accept('?') ? 'lazy' : this.#accept('+') ? 'possessive' : 'greedy'
          items[items.length - 1] = { type: 'repeat', body, min: count[0], max: count[1], manner }
          last = 'repeat'
          continue
        }
        default:
          items.push(literal(char.codePointAt(0) as number, flags))
          last = 'item'
      }
    }
    return items.length === 1 ? (items[0] as Node) : { type: 'sequence', items }
  }

  #count(char: string, start: number): readonly [number, number] | null {
    if (char === '*') return [0, Number.POSITIVE_INFINITY]
    if (char === '+') return [1, Number.POSITIVE_INFINITY]
    if (char === '?') return [0, 1]
    if (this.#next === '}') return null
    const here = this.#at
    const low = this.#while(Number.POSITIVE_INFINITY, /[0-9]/)
    const high = this.#accept(',') ? this.#while(Number.POSITIVE_INFINITY, /[0-9]/) : low
    if (!this.#accept('}')) {
      this.#at = here
      return null
    }
    const min = low === '' ? 0 : Number(low)
    const max = high === '' ? Number.POSITIVE_INFINITY : Number(high)
    if (min >= MAX_REPEAT || (high !== '' && max >= MAX_REPEAT)) {
      throw this.#error('the repetition number is too large', start)
    }
    if (max < min) throw this.#error('min repeat greater than max repeat', start)
    return [min, max]
  }

  #escape(flags: Flags, start: number): Node {
    const c = this.#next
    if (c === undefined) throw this.#error('bad escape (end of pattern)', start)
    this.#at++
    if (CLASS_LETTERS.includes(c)) {
      return {
        type: 'set',
        set: { negated: false, ranges: [], classes: [{ name: c as ClassName, ascii: flags.ascii }] },
      }
    }
    if (c === 'A') return anchor('textStart', flags)
    if (c === 'Z') return anchor('textEnd', flags)
    if (c === 'b') return anchor('word', flags)
    if (c === 'B') return anchor('notWord', flags)
    const code = this.#numericEscape(c, start)
    if (code !== null) return literal(code, flags)
    if (c === '0') return literal(Number.parseInt(`0${this.#while(2, /[0-7]/)}`, 8), flags)
    if (c >= '1' && c <= '9') return this.#digits(c, flags, start)
    if (/^[A-Za-z]$/.test(c)) throw this.#error(`bad escape \\${c}`, start)
    return literal(c.codePointAt(0) as number, flags)
  }

  /** A decimal escape: an octal character if three octal digits follow, else a reference to a group. */
  #digits(firstDigit: string, flags: Flags, start: number): Node {
    let digits = firstDigit
    if (this.#next !== undefined && /^[0-9]$/.test(this.#next)) {
      digits += this.#source[this.#at++]
      if (/^[0-7]{2}$/.test(digits) && this.#next !== undefined && /^[0-7]$/.test(this.#next)) {
        digits += this.#source[this.#at++]
        return literal(this.#octal(digits, start), flags)
      }
    }
    return this.#reference(Number(digits), flags, start)
  }

  #octal(digits: string, start: number): number {
    const code = Number.parseInt(digits, 8)
    if (code > 0o377) throw this.#error(`octal escape value \\${digits} outside of range 0-0o377`, start)
    return code
  }

  #reference(group: number, flags: Flags, start: number): Node {
    const target = this.#groups[group - 1]
    if (target === undefined) throw this.#error(`invalid group reference ${group}`, start + 1)
    if (target.open) throw this.#error('cannot refer to an open group', start)
    this.#checkLookBehind(group, start)
    return { type: 'reference', group, ignoreCase: flags.ignoreCase, ascii: flags.ascii }
  }

  #checkLookBehind(group: number, start: number): void {
    if (this.#lookBehindFrom === null) return
    if (this.#groups[group - 1]?.open ?? true) throw this.#error('cannot refer to an open group', start)
    if (group > this.#lookBehindFrom) {
      throw this.#error('cannot refer to group defined in the same lookbehind subpattern', start)
    }
  }

  /** `\n`, `\x41`, `\u0041`, `\U00000041`: escapes that mean one character inside and outside of brackets. */
  #numericEscape(c: string, start: number): number | null {
    const simple = Object.hasOwn(SIMPLE_ESCAPES, c) ? SIMPLE_ESCAPES[c] : undefined
    if (simple !== undefined) return simple
    const length = c === 'x' ? 2 : c === 'u' ? 4 : c === 'U' ? 8 : 0
    if (length > 0) {
      const digits = this.#while(length, /[0-9a-fA-F]/)
      if (digits.length !== length) throw this.#error(`incomplete escape \\${c}${digits}`, start)
      const code = Number.parseInt(digits, 16)
      if (code > 0x10_ffff) throw this.#error(`bad escape \\${c}${digits}`, start)
      return code
    }
    if (c === 'N') {
      if (!this.#accept('{')) throw this.#error('missing {')
      const name = this.#until('}', 'character name')
      throw this.#error(`characters by name (\\N{${name}}) are not supported; write the code point as \\uXXXX`, start)
    }
    return null
  }

  #set(flags: Flags, start: number): CharSet {
    const negated = this.#accept('^')
    let ranges: number[] = []
    const classes: CharClass[] = []
    let empty = true
    const unterminated = () => this.#error('unterminated character set', start)
    for (;;) {
      const from = this.#at
      const char = this.#next
      if (char === undefined) throw unterminated()
      this.#at++
      if (char === ']' && !empty) break
      empty = false
      const low = char === '\\' ? this.#setEscape(from) : (char.codePointAt(0) as number)
      if (!this.#accept('-')) {
        if (typeof low === 'number') ranges.push(low, low)
        else classes.push({ name: low, ascii: flags.ascii })
        continue
      }
      const to = this.#at
      const until = this.#next
      if (until === undefined) throw unterminated()
      this.#at++
      if (until === ']') {
        if (typeof low === 'number') ranges.push(low, low)
        else classes.push({ name: low, ascii: flags.ascii })
        ranges.push(45, 45)
        break
      }
      const high = until === '\\' ? this.#setEscape(to) : (until.codePointAt(0) as number)
      if (typeof low !== 'number' || typeof high !== 'number' || high < low) {
        throw this.#error(`bad character range ${this.#source.slice(from, this.#at).join('')}`, from)
      }
      ranges.push(low, high)
    }
    if (flags.ignoreCase) ranges = foldRanges(ranges, flags.ascii)
    return { negated, ranges, classes }
  }

  #setEscape(start: number): number | ClassName {
    const c = this.#next
    if (c === undefined) throw this.#error('bad escape (end of pattern)', start)
    this.#at++
    if (CLASS_LETTERS.includes(c)) return c as ClassName
    if (c === 'b') return 8
    const code = this.#numericEscape(c, start)
    if (code !== null) return code
    if (/^[0-7]$/.test(c)) return this.#octal(c + this.#while(2, /[0-7]/), start)
    if (/^[A-Za-z89]$/.test(c)) throw this.#error(`bad escape \\${c}`, start)
    return c.codePointAt(0) as number
  }

  #parenthesis(flags: Flags, depth: number, start: number, first: boolean): Node | 'comment' | 'flags' {
    if (!this.#accept('?')) return this.#capture(null, flags, depth, start)
    const kind = this.#next
    if (kind === undefined) throw this.#error('unexpected end of pattern')
    this.#at++
    switch (kind) {
      case 'P':
        return this.#named(flags, depth, start)
      case ':':
        return this.#closed(
          this.#choice(() => flags, depth + 1),
          start,
        )
      case '>':
        return {
          type: 'atomic',
          body: this.#closed(
            this.#choice(() => flags, depth + 1),
            start,
          ),
        }
      case '#':
        while (this.#next !== undefined) if (this.#source[this.#at++] === ')') return 'comment'
        throw this.#error('missing ), unterminated comment', start)
      case '=':
      case '!':
        return this.#look(true, kind === '!', flags, depth, start)
      case '<': {
        const sign = this.#next
        if (sign === undefined) throw this.#error('unexpected end of pattern')
        this.#at++
        if (sign !== '=' && sign !== '!') throw this.#error(`unknown extension ?<${sign}`, start + 1)
        return this.#look(false, sign === '!', flags, depth, start)
      }
      case '(':
        return this.#conditional(flags, depth, start)
      default: {
        if (kind !== '-' && !Object.hasOwn(FLAG_NAMES, kind)) throw this.#error(`unknown extension ?${kind}`, start + 1)
        const scoped = this.#inlineFlags(kind, flags)
        if (scoped === null) {
          if (!first) throw this.#error('global flags not at the start of the expression', start)
          if (this.#flags.verbose && !this.#verboseFromStart) throw new RestartVerbose()
          return 'flags'
        }
        // A group with flags is an item of its own: `(?i:a*)*` is no multiple repeat.
        return this.#closed(
          this.#choice(() => scoped, depth + 1),
          start,
        )
      }
    }
  }

  #closed(body: Node, start: number): Node {
    if (!this.#accept(')')) throw this.#error('missing ), unterminated subpattern', start)
    return body
  }

  #capture(name: string | null, flags: Flags, depth: number, start: number): Node {
    if (name !== null) {
      const known = this.#groups.findIndex((group) => group.name === name) + 1
      if (known > 0) {
        const index = this.#groups.length + 1
        throw this.#error(`redefinition of group name '${name}' as group ${index}; was group ${known}`, start)
      }
    }
    const group: Group = { name, open: true, width: [0, 0] }
    const index = this.#groups.push(group)
    const body = this.#closed(
      this.#choice(() => flags, depth + 1),
      start,
    )
    group.open = false
    group.width = this.#width(body)
    return { type: 'group', index, body }
  }

  #named(flags: Flags, depth: number, start: number): Node {
    if (this.#accept('<')) {
      return this.#capture(this.#groupName('>'), flags, depth, start)
    }
    if (this.#accept('=')) {
      const at = this.#at
      return this.#reference(this.#groupNumber(this.#groupName(')'), at), flags, at)
    }
    const char = this.#next
    if (char === undefined) throw this.#error('unexpected end of pattern')
    throw this.#error(`unknown extension ?P${char}`, start + 1)
  }

  #groupName(end: string): string {
    const at = this.#at
    const name = this.#until(end, 'group name')
    if (!IDENTIFIER.test(name)) throw this.#error(`bad character in group name '${name}'`, at)
    return name
  }

  #groupNumber(name: string, at: number): number {
    const group = this.#groups.findIndex((each) => each.name === name) + 1
    if (group === 0) throw this.#error(`unknown group name '${name}'`, at)
    return group
  }

  #look(ahead: boolean, negated: boolean, flags: Flags, depth: number, start: number): Node {
    const outermost = !ahead && this.#lookBehindFrom === null
    if (outermost) this.#lookBehindFrom = this.#groups.length
    const body = this.#closed(
      this.#choice(() => flags, depth + 1),
      start,
    )
    if (outermost) this.#lookBehindFrom = null
    const [low, high] = this.#width(body)
    if (!ahead && low !== high) throw new PatternSyntaxError('look-behind requires fixed-width pattern', null)
    return { type: 'look', ahead, negated, body, width: low }
  }

  #conditional(flags: Flags, depth: number, start: number): Node {
    const at = this.#at
    const name = this.#until(')', 'group name')
    let group: number
    if (IDENTIFIER.test(name)) {
      group = this.#groupNumber(name, at)
    } else {
      if (!/^[0-9]+$/.test(name)) throw this.#error(`bad character in group name '${name}'`, at)
      group = Number(name)
      if (group === 0) throw this.#error('bad group number', at)
      if (group >= 1_073_741_824) throw this.#error(`invalid group reference ${group}`, at)
      this.#forward.push({ group, position: at })
    }
    this.#checkLookBehind(group, at)
    const yes = this.#sequence(() => flags, depth + 1, false)
    const no: Node = this.#accept('|') ? this.#sequence(() => flags, depth + 1, false) : { type: 'sequence', items: [] }
    if (this.#next === '|') throw this.#error('conditional backref with more than two branches')
    return this.#closed({ type: 'conditional', group, yes, no }, start)
  }

  #inlineFlags(firstFlag: string, outer: Flags): Flags | null {
    const on: Record<string, boolean> = {}
    const off: Record<string, boolean> = {}
    let type = ''
    let char: string | undefined = firstFlag
    if (char !== '-') {
      for (;;) {
        const flag: string = FLAG_NAMES[char] as string
        if (flag === 'locale') throw this.#error("bad inline flags: cannot use 'L' flag with a str pattern")
        if (flag === 'ascii' || flag === 'unicode') {
          if (type !== '' && type !== flag) {
            throw this.#error("bad inline flags: flags 'a', 'u' and 'L' are incompatible")
          }
          type = flag
        }
        on[flag] = true
        char = this.#next
        if (char === undefined) throw this.#error('missing -, : or )')
        this.#at++
        if (char === ')' || char === '-' || char === ':') break
        this.#checkFlag(char, 'missing -, : or )')
      }
    }
    if (char === ')') {
      this.#setGlobal(on)
      return null
    }
    if (char === '-') {
      char = this.#next
      if (char === undefined) throw this.#error('missing flag')
      this.#at++
      this.#checkFlag(char, 'missing flag')
      for (;;) {
        const flag: string = FLAG_NAMES[char] as string
        if (flag === 'ascii' || flag === 'unicode' || flag === 'locale') {
          throw this.#error("bad inline flags: cannot turn off flags 'a', 'u' and 'L'")
        }
        off[flag] = true
        char = this.#next
        if (char === undefined) throw this.#error('missing :')
        this.#at++
        if (char === ':') break
        this.#checkFlag(char, 'missing :')
      }
    }
    if (Object.keys(on).some((flag) => off[flag])) throw this.#error('bad inline flags: flag turned on and off')
    const pick = (flag: keyof Flags) => (outer[flag] || on[flag] === true) && off[flag] !== true
    return {
      ignoreCase: pick('ignoreCase'),
      multiline: pick('multiline'),
      dotAll: pick('dotAll'),
      verbose: pick('verbose'),
      ascii: type === 'ascii' || (outer.ascii && type !== 'unicode'),
    }
  }

  #checkFlag(char: string, otherwise: string): void {
    if (Object.hasOwn(FLAG_NAMES, char)) return
    throw this.#error(/^\p{L}$/u.test(char) ? 'unknown flag' : otherwise, this.#at - 1)
  }

  #setGlobal(on: Record<string, boolean>): void {
    if (on.unicode) this.#unicodeAsked = true
    const flags = { ...this.#flags }
    for (const name of ['ignoreCase', 'multiline', 'dotAll', 'verbose', 'ascii'] as const) {
      if (on[name]) flags[name] = true
    }
    if (flags.ascii && this.#unicodeAsked) throw this.#error('ASCII and UNICODE flags are incompatible')
    this.#flags = flags
  }

  #width(node: Node): readonly [number, number] {
    return widthOf(node, (group) => this.#groups[group - 1]?.width ?? [0, Number.POSITIVE_INFINITY])
  }
}

function anchor(kind: Anchor, flags: Flags): Node {
  return { type: 'anchor', anchor: kind, ascii: flags.ascii }
}

function literal(code: number, flags: Flags): Node {
  const ranges = flags.ignoreCase ? caseVariants(code, flags.ascii).flatMap((c) => [c, c]) : [code, code]
  return { type: 'set', set: { negated: false, ranges, classes: NO_CLASSES } }
}
