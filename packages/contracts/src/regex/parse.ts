import type { Anchor, Node, ParsedPattern } from './ast.ts'
import { type CharClass, type CharSet, type ClassName, caseVariants } from './chars.ts'
import { CLASS_LETTERS, characterEscape, octal, readSet } from './escapes.ts'
import { type Flags, inlineFlags, isFlag, NO_FLAGS } from './flags.ts'
import { PatternReader, PatternSyntaxError } from './reader.ts'
import { widthOf } from './width.ts'

export { PatternSyntaxError }

/** What was parsed last in a sequence: decides whether a quantifier may follow. */
type Repeatable = 'nothing' | 'anchor' | 'repeat' | 'item'

interface Group {
  open: boolean
  width: readonly [number, number]
}

const MAX_REPEAT = 4_294_967_295
const ANY: CharSet = { negated: true, ranges: [], classes: [] }
const NOT_NEWLINE: CharSet = { negated: true, ranges: [10, 10], classes: [] }
const NO_CLASSES: readonly CharClass[] = []
const IDENTIFIER = /^[\p{XID_Start}_]\p{XID_Continue}*$/u

/**
 * Read a Python 3.11 `re` pattern, with Python's own rules of what is an error.
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
  readonly #reader: PatternReader
  #flags: Flags
  readonly #verboseFromStart: boolean
  readonly #groups: Group[] = []
  readonly #groupsByName = new Map<string, number>()
  #lookBehindFrom: number | null = null
  #unicodeAsked = false
  readonly #forward: { group: number; position: number }[] = []

  constructor(source: string, flags: Flags) {
    this.#reader = new PatternReader(source)
    this.#flags = flags
    this.#verboseFromStart = flags.verbose
  }

  parse(): ParsedPattern {
    const root = this.#choice(() => this.#flags, 0)
    if (this.#reader.at < this.#reader.chars.length) throw this.#reader.error('unbalanced parenthesis')
    for (const { group, position } of this.#forward) {
      if (group > this.#groups.length) throw this.#reader.error(`invalid group reference ${group}`, position)
    }
    return { root, groups: this.#groups.length }
  }

  /** Flags come as a function: a global `(?i)` at the start changes them for what follows. */
  #choice(flags: () => Flags, depth: number): Node {
    if (depth > 200) throw this.#reader.error('groups are nested too deeply')
    const items = [this.#sequence(flags, depth, depth === 0)]
    while (this.#reader.accept('|')) items.push(this.#sequence(flags, depth, false))
    return items.length === 1 ? (items[0] as Node) : { type: 'choice', items }
  }

  #sequence(flagsNow: () => Flags, depth: number, first: boolean): Node {
    const items: Node[] = []
    let last: Repeatable = 'nothing'
    let flags = flagsNow()
    for (;;) {
      const start = this.#reader.at
      const char = this.#reader.next
      if (char === undefined || char === '|' || char === ')') break
      this.#reader.at++
      if (flags.verbose) {
        if (' \t\n\r\v\f'.includes(char)) continue
        if (char === '#') {
          while (this.#reader.next !== undefined && this.#reader.chars[this.#reader.at++] !== '\n');
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
          items.push({ type: 'set', set: readSet(this.#reader, flags, start) })
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
            throw this.#reader.error('nothing to repeat', start)
          if (last === 'repeat') throw this.#reader.error('multiple repeat', start)
          const manner = this.#reader.accept('?') ? 'lazy' : this.#reader.accept('+') ? 'possessive' : 'greedy'
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
    if (this.#reader.next === '}') return null
    const here = this.#reader.at
    const low = this.#reader.while(Number.POSITIVE_INFINITY, /[0-9]/)
    const high = this.#reader.accept(',') ? this.#reader.while(Number.POSITIVE_INFINITY, /[0-9]/) : low
    if (!this.#reader.accept('}')) {
      this.#reader.at = here
      return null
    }
    const min = low === '' ? 0 : Number(low)
    const max = high === '' ? Number.POSITIVE_INFINITY : Number(high)
    if (min >= MAX_REPEAT || (high !== '' && max >= MAX_REPEAT)) {
      throw this.#reader.error('the repetition number is too large', start)
    }
    if (max < min) throw this.#reader.error('min repeat greater than max repeat', start)
    return [min, max]
  }

  #escape(flags: Flags, start: number): Node {
    const c = this.#reader.take('bad escape (end of pattern)', start)
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
    const code = characterEscape(this.#reader, c, start)
    if (code !== null) return literal(code, flags)
    if (c === '0') return literal(Number.parseInt(`0${this.#reader.while(2, /[0-7]/)}`, 8), flags)
    if (c >= '1' && c <= '9') return this.#digits(c, flags, start)
    if (/^[A-Za-z]$/.test(c)) throw this.#reader.error(`bad escape \\${c}`, start)
    return literal(c.codePointAt(0) as number, flags)
  }

  /** A decimal escape: an octal character if three octal digits follow, else a reference to a group. */
  #digits(firstDigit: string, flags: Flags, start: number): Node {
    let digits = firstDigit
    if (this.#reader.next !== undefined && /^[0-9]$/.test(this.#reader.next)) {
      digits += this.#reader.chars[this.#reader.at++]
      if (/^[0-7]{2}$/.test(digits) && this.#reader.next !== undefined && /^[0-7]$/.test(this.#reader.next)) {
        digits += this.#reader.chars[this.#reader.at++]
        return literal(octal(this.#reader, digits, start), flags)
      }
    }
    return this.#reference(Number(digits), flags, start)
  }

  #reference(group: number, flags: Flags, start: number): Node {
    const target = this.#groups[group - 1]
    if (target === undefined) throw this.#reader.error(`invalid group reference ${group}`, start + 1)
    if (target.open) throw this.#reader.error('cannot refer to an open group', start)
    this.#checkLookBehind(group, start)
    return { type: 'reference', group, ignoreCase: flags.ignoreCase, ascii: flags.ascii }
  }

  #checkLookBehind(group: number, start: number): void {
    if (this.#lookBehindFrom === null) return
    if (this.#groups[group - 1]?.open ?? true) throw this.#reader.error('cannot refer to an open group', start)
    if (group > this.#lookBehindFrom) {
      throw this.#reader.error('cannot refer to group defined in the same lookbehind subpattern', start)
    }
  }

  #parenthesis(flags: Flags, depth: number, start: number, first: boolean): Node | 'comment' | 'flags' {
    if (!this.#reader.accept('?')) return this.#capture(null, flags, depth, start)
    const kind = this.#reader.take('unexpected end of pattern')
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
        while (this.#reader.next !== undefined) if (this.#reader.chars[this.#reader.at++] === ')') return 'comment'
        throw this.#reader.error('missing ), unterminated comment', start)
      case '=':
      case '!':
        return this.#look(true, kind === '!', flags, depth, start)
      case '<': {
        const sign = this.#reader.take('unexpected end of pattern')
        if (sign !== '=' && sign !== '!') throw this.#reader.error(`unknown extension ?<${sign}`, start + 1)
        return this.#look(false, sign === '!', flags, depth, start)
      }
      case '(':
        return this.#conditional(flags, depth, start)
      default: {
        if (kind !== '-' && !isFlag(kind)) throw this.#reader.error(`unknown extension ?${kind}`, start + 1)
        const { on, scoped } = inlineFlags(this.#reader, kind, flags)
        if (scoped === null) {
          this.#setGlobal(on)
          if (!first) throw this.#reader.error('global flags not at the start of the expression', start)
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
    if (!this.#reader.accept(')')) throw this.#reader.error('missing ), unterminated subpattern', start)
    return body
  }

  #capture(name: string | null, flags: Flags, depth: number, start: number): Node {
    if (name !== null) {
      const known = this.#groupsByName.get(name)
      if (known !== undefined) {
        const index = this.#groups.length + 1
        throw this.#reader.error(`redefinition of group name '${name}' as group ${index}; was group ${known}`, start)
      }
    }
    const group: Group = { open: true, width: [0, 0] }
    const index = this.#groups.push(group)
    if (name !== null) this.#groupsByName.set(name, index)
    const body = this.#closed(
      this.#choice(() => flags, depth + 1),
      start,
    )
    group.open = false
    group.width = this.#width(body)
    return { type: 'group', index, body }
  }

  #named(flags: Flags, depth: number, start: number): Node {
    if (this.#reader.accept('<')) {
      return this.#capture(this.#groupName('>'), flags, depth, start)
    }
    if (this.#reader.accept('=')) {
      const at = this.#reader.at
      return this.#reference(this.#groupNumber(this.#groupName(')'), at), flags, at)
    }
    const char = this.#reader.next
    if (char === undefined) throw this.#reader.error('unexpected end of pattern')
    throw this.#reader.error(`unknown extension ?P${char}`, start + 1)
  }

  #groupName(end: string): string {
    const at = this.#reader.at
    const name = this.#reader.until(end, 'group name')
    if (!IDENTIFIER.test(name)) throw this.#reader.error(`bad character in group name '${name}'`, at)
    return name
  }

  #groupNumber(name: string, at: number): number {
    const group = this.#groupsByName.get(name)
    if (group === undefined) throw this.#reader.error(`unknown group name '${name}'`, at)
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
    const at = this.#reader.at
    const name = this.#reader.until(')', 'group name')
    let group: number
    if (IDENTIFIER.test(name)) {
      group = this.#groupNumber(name, at)
    } else {
      if (!/^[0-9]+$/.test(name)) throw this.#reader.error(`bad character in group name '${name}'`, at)
      group = Number(name)
      if (group === 0) throw this.#reader.error('bad group number', at)
      if (group >= 1_073_741_824) throw this.#reader.error(`invalid group reference ${group}`, at)
      this.#forward.push({ group, position: at })
    }
    this.#checkLookBehind(group, at)
    const yes = this.#sequence(() => flags, depth + 1, false)
    const no: Node = this.#reader.accept('|')
      ? this.#sequence(() => flags, depth + 1, false)
      : { type: 'sequence', items: [] }
    if (this.#reader.next === '|') throw this.#reader.error('conditional backref with more than two branches')
    return this.#closed({ type: 'conditional', group, yes, no }, start)
  }

  #setGlobal(on: Readonly<Record<string, boolean>>): void {
    if (on.unicode) this.#unicodeAsked = true
    const flags = { ...this.#flags }
    for (const name of ['ignoreCase', 'multiline', 'dotAll', 'verbose', 'ascii'] as const) {
      if (on[name]) flags[name] = true
    }
    if (flags.ascii && this.#unicodeAsked) throw this.#reader.error('ASCII and UNICODE flags are incompatible')
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
