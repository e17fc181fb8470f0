import type { Cursor } from './cursor.ts'
import type { MappingEntry, MappingNode, ScalarNode, SequenceNode, YamlNode } from './nodes.ts'
import { resolvePlain } from './resolve.ts'
import { scanBlockScalar, scanDoubleQuoted } from './scalars.ts'
import { YamlError } from './tokens.ts'

/** Other line breaks than U+000A, tabs, a byte order mark, and NUL, which is no character of YAML. */
const UNUSUAL_CHARACTERS = /[\0\t\r\x85\u2028\u2029\ufeff]/

const BLANK_LINE = / *(?:#.*)?\n/y
const SPACES = / */y
const REST_OF_LINE = /(?: +#[^\n\0]*| *)(?=[\n\0])/y
const COMMA = /, */y
const COLON = /: +/y
const WHOLE_LINE = /[^\n\0]*/y
const KEY = /(?:[A-Za-z_][\w./*-]{0,255}|"[^"\\\n\0]{0,255}"|'[^'\n\0]{0,255}'):(?=[ \n\0])/y
const QUOTED = /"(?:[^"\\\n\0]|\\[^\n\0])*"|'(?:[^'\n\0]|'')*'/y
const PLAIN_START = /[^\s\0\-?:,[\]{}#&*!|>'"%@`]|-(?=[\w.])/y
const FLOW_WORD = /(?:[\w/.$~^+]|-(?=[\w.]))[^\s\0,:?#[\]{}]*(?: +[^\s\0,:?#[\]{}]+)*/y
/** Numbers that every reader of YAML takes for the same. */
const SIMPLE_NUMBER = /^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?$/

/** Thrown where only the whole reader knows what a text means, or what is wrong with it. */
const UNUSUAL = new Error('not written in the usual way')
/** Collections within collections; far below what is refused. */
const USUAL_DEPTH = 60

/**
 * Read a document that is written as most bundles are: mappings and lists by indentation, a key and its value on one line,
 * texts plain, in quotes or as a block, `[…]` and `{…}` on one line. The patterns take whole words and lines, so that a process
 * which reads its first document does in a few steps what the scanner does for each character.
 *
 * @returns exactly what the scanner and composer make of it, or null for a text that is written in any other way, or is none
 */
export function readBlocks(text: string): YamlNode | null {
  if (UNUSUAL_CHARACTERS.test(text)) return null
  try {
    return new BlockReader(text).document()
  } catch (error) {
    if (error === UNUSUAL || error instanceof YamlError) return null
    throw error
  }
}

class BlockReader {
  /** With NUL at its end. */
  readonly #text: string
  /** Where the next line that says something does so, and in which column; -1 behind the last. */
  #at = 0
  #column = 0
  #depth = 0

  constructor(text: string) {
    this.#text = `${text}\0\0\0\0`
  }

  document(): YamlNode {
    this.#goTo(0)
    if (this.#column !== 0) throw UNUSUAL
    const root = this.#block()
    if (!this.#is('\0', this.#at)) throw UNUSUAL
    return root
  }

  #is(char: string, at: number): boolean {
    return this.#text.charCodeAt(at) === char.charCodeAt(0)
  }

  /** Where a pattern that matches here ends; -1 when it does not. */
  #after(pattern: RegExp, at: number): number {
    pattern.lastIndex = at
    return pattern.test(this.#text) ? pattern.lastIndex : -1
  }

  #mustMatch(pattern: RegExp, at: number): number {
    const end = this.#after(pattern, at)
    if (end === -1) throw UNUSUAL
    return end
  }

  /** Go to the next line that says something, from the beginning of a line. */
  #goTo(line: number): void {
    let start = line
    for (let next = start; next !== -1; next = this.#after(BLANK_LINE, start)) start = next
    this.#at = this.#mustMatch(SPACES, start)
    this.#column = this.#at - start
    if (this.#is('#', this.#at)) this.#at = this.#mustMatch(WHOLE_LINE, this.#at)
    if (this.#is('\0', this.#at)) this.#column = -1
  }

  /** Leave a line behind its value. */
  #endLine(at: number): void {
    const end = this.#mustMatch(REST_OF_LINE, at)
    this.#goTo(this.#is('\n', end) ? end + 1 : end)
  }

  /** The list or mapping that begins here. */
  #block(): SequenceNode | MappingNode {
    if (++this.#depth > USUAL_DEPTH) throw UNUSUAL
    const node = this.#beginsItem() ? this.#sequence(false) : this.#mapping()
    this.#depth--
    return node
  }

  #beginsItem(): boolean {
    return this.#is('-', this.#at) && this.#is(' ', this.#at + 1)
  }

  /** @param indentless a list in the column of the key whose value it is, which ends where the next key stands */
  #sequence(indentless: boolean): SequenceNode {
    const start = this.#at
    const column = this.#column
    const items: YamlNode[] = []
    let end = start
    while (this.#column === column && (!indentless || this.#beginsItem())) {
      const item = this.#item(column)
      items.push(item)
      end = item.end
    }
    if (this.#column > column) throw UNUSUAL
    return { kind: 'sequence', items, start, end: indentless ? end : this.#at }
  }

  #item(column: number): YamlNode {
    if (!this.#beginsItem()) throw UNUSUAL
    const at = this.#mustMatch(SPACES, this.#at + 1)
    this.#column += at - this.#at
    this.#at = at
    if (this.#beginsItem() || this.#after(KEY, at) !== -1) return this.#block()
    return this.#onLine(at, column)
  }

  #mapping(): MappingNode {
    const start = this.#at
    const column = this.#column
    const entries: MappingEntry[] = []
    while (this.#column === column) {
      const behindColon = this.#mustMatch(KEY, this.#at)
      const key = this.#beginsQuoted(this.#at) ? this.#quoted(this.#at) : this.#plain(this.#at, behindColon - 1)
      entries.push({ key, value: this.#value(behindColon, column), merged: false })
    }
    if (this.#column > column) throw UNUSUAL
    return { kind: 'mapping', entries, start, end: this.#at }
  }

  #value(behindColon: number, column: number): YamlNode {
    if (this.#after(REST_OF_LINE, behindColon) === -1) {
      return this.#onLine(this.#mustMatch(SPACES, behindColon), column)
    }
    this.#endLine(behindColon)
    if (this.#column > column) return this.#block()
    if (this.#column === column && this.#beginsItem()) return this.#sequence(true)
    return { kind: 'scalar', tag: 'null', text: '', plain: true, start: behindColon, end: behindColon }
  }

  /** A value that ends on its line, or that is a block of text, in a collection at `column`. */
  #onLine(at: number, column: number): YamlNode {
    const isFolded = this.#is('>', at)
    if (isFolded || this.#is('|', at)) return this.#blockScalar(at, column, isFolded)
    const node = this.#is('[', at) || this.#is('{', at) ? this.#flow(at) : this.#scalar(at)
    this.#endLine(node.end)
    return node
  }

  #scalar(at: number): ScalarNode {
    if (this.#beginsQuoted(at)) return this.#quoted(at)
    this.#mustMatch(PLAIN_START, at)
    const line = this.#text.slice(at, this.#mustMatch(WHOLE_LINE, at))
    const comment = line.indexOf(' #')
    let length = comment === -1 ? line.length : comment
    while (this.#is(' ', at + length - 1)) length--
    const text = line.slice(0, length)
    if (text.includes(': ') || text.endsWith(':')) throw UNUSUAL
    return this.#plain(at, at + length)
  }

  #plain(start: number, end: number): ScalarNode {
    const text = this.#text.slice(start, end)
    const tag = resolvePlain(text)
    const isUsual =
      tag === 'str' ||
      tag === 'bool' ||
      tag === 'null' ||
      ((tag === 'int' || tag === 'float') && SIMPLE_NUMBER.test(text))
    if (!isUsual) throw UNUSUAL
    return { kind: 'scalar', tag, text, plain: true, start, end }
  }

  #beginsQuoted(at: number): boolean {
    return this.#is('"', at) || this.#is("'", at)
  }

  #quoted(start: number): ScalarNode {
    const end = this.#mustMatch(QUOTED, start)
    const within = this.#text.slice(start + 1, end - 1)
    let text = within
    if (this.#is("'", start)) text = within.replaceAll("''", "'")
    else if (within.includes('\\')) text = scanDoubleQuoted(this.#cursor(start, 0))
    return { kind: 'scalar', tag: 'str', text, plain: false, start, end }
  }

  #blockScalar(start: number, column: number, isFolded: boolean): ScalarNode {
    const cursor = this.#cursor(start, column)
    const text = scanBlockScalar(cursor, isFolded)
    this.#goTo(cursor.lineStart)
    return { kind: 'scalar', tag: 'str', text, plain: false, start, end: cursor.at }
  }

  /** For the scanner's own functions. */
  #cursor(at: number, indent: number): Cursor {
    return { text: this.#text, at, line: 0, lineStart: at, indent, inFlow: false, brokeLine: false }
  }

  /** `[…]`, `{…}` or a value in one of them, on one line. */
  #flow(at: number): YamlNode {
    if (++this.#depth > USUAL_DEPTH) throw UNUSUAL
    let node: YamlNode
    if (this.#is('[', at)) node = this.#flowSequence(at)
    else if (this.#is('{', at)) node = this.#flowMapping(at)
    else node = this.#flowScalar(at)
    this.#depth--
    return node
  }

  #flowScalar(at: number): ScalarNode {
    if (this.#beginsQuoted(at)) return this.#quoted(at)
    return this.#plain(at, this.#mustMatch(FLOW_WORD, at))
  }

  #flowSequence(start: number): SequenceNode {
    const items: YamlNode[] = []
    let at = this.#mustMatch(SPACES, start + 1)
    while (!this.#is(']', at)) {
      const item = this.#flow(items.length === 0 ? at : this.#mustMatch(COMMA, at))
      items.push(item)
      at = this.#mustMatch(SPACES, item.end)
    }
    return { kind: 'sequence', items, start, end: at + 1 }
  }

  #flowMapping(start: number): MappingNode {
    const entries: MappingEntry[] = []
    let at = this.#mustMatch(SPACES, start + 1)
    while (!this.#is('}', at)) {
      const key = this.#flowScalar(entries.length === 0 ? at : this.#mustMatch(COMMA, at))
      const value = this.#flow(this.#mustMatch(COLON, key.end))
      entries.push({ key, value, merged: false })
      at = this.#mustMatch(SPACES, value.end)
    }
    return { kind: 'mapping', entries, start, end: at + 1 }
  }
}
