import { MAX_YAML_DEPTH } from '../../bounds.ts'
import { type Cursor, END, isBlankOrEnd, isBreak, isDocumentBorder, takeBreak } from './cursor.ts'
import { scanBlockScalar, scanDoubleQuoted, scanPlain, scanSingleQuoted } from './scalars.ts'
import { T, Tokens, type TokenType, YamlError } from './tokens.ts'

interface SimpleKey {
  /** Index of the token that may turn out to be a key. */
  readonly token: number
  readonly required: boolean
  readonly offset: number
  readonly line: number
  readonly column: number
}

const MAX_SIMPLE_KEY = 1024

/** Four characters that end the text, because the scanner looks up to three ahead. */
const SENTINEL = '\0\0\0\0'

/** Characters that a plain scalar cannot begin with, unless more follows: `-?:,[]{}#&*!|>'"%@` and the backtick. */
const INDICATORS = new Uint8Array(128)
for (const char of '-?:,[]{}#&*!|>\'"%@`') INDICATORS[char.charCodeAt(0)] = 1

/**
 * Cut a text into YAML 1.1 tokens, by the rules of the scanner that agents in the field use: no
 * tabs for indentation or separation, simple keys within 1,024 characters of one line.
 *
 * @throws {YamlError}
 */
export function scan(text: string): Tokens {
  return new Scanner(text).scan()
}

class Scanner implements Cursor {
  readonly text: string
  at = 0
  line = 0
  lineStart = 0
  indent = -1
  inFlow = false
  brokeLine = false
  readonly #indents: number[] = []
  #flowLevel = 0
  #simpleKeyAllowed = true
  #simpleKeys: (SimpleKey | undefined)[] = []
  readonly #tokens = new Tokens()

  constructor(text: string) {
    this.text = text + SENTINEL
    if (text.charCodeAt(0) === 0xfeff) {
      this.at = 1
      this.lineStart = 1
    }
  }

  scan(): Tokens {
    while (this.#next());
    return this.#tokens
  }

  get #column(): number {
    return this.at - this.lineStart
  }

  /** Scan one token. False at the end of the text. */
  #next(): boolean {
    this.#skipToToken()
    this.#dropStaleKeys()
    const column = this.#column
    this.#unwind(column)
    const { text, at } = this
    const c = text.charCodeAt(at)
    if (c === END) {
      this.#unwind(-1)
      this.#removeKey()
      this.#tokens.push(T.end, at, at)
      return false
    }
    if (column === 0 && (c === 45 || c === 46) && isDocumentBorder(text, at)) {
      this.#unwind(-1)
      this.#removeKey()
      this.#simpleKeyAllowed = false
      this.#indicator(c === 45 ? T.documentStart : T.documentEnd, 3)
      return true
    }
    switch (c) {
      case 37:
        if (column !== 0) break
        this.#directive()
        return true
      case 91:
      case 123:
        this.#saveKey()
        this.#flowLevel++
        this.#checkDepth()
        this.inFlow = true
        this.#simpleKeyAllowed = true
        this.#indicator(c === 91 ? T.flowSequence : T.flowMapping, 1)
        return true
      case 93:
      case 125:
        this.#removeKey()
        this.#flowLevel--
        this.inFlow = this.#flowLevel > 0
        if (this.#flowLevel < 0) throw new YamlError(`found '${c === 93 ? ']' : '}'}' without its opening bracket`, at)
        this.#simpleKeyAllowed = false
        this.#indicator(c === 93 ? T.flowSequenceEnd : T.flowMappingEnd, 1)
        return true
      case 44:
        if (!this.inFlow) break
        this.#simpleKeyAllowed = true
        this.#removeKey()
        this.#indicator(T.flowEntry, 1)
        return true
      case 45:
        if (!isBlankOrEnd(text.charCodeAt(at + 1))) break
        this.#blockEntry()
        return true
      case 63:
        if (!this.inFlow && !isBlankOrEnd(text.charCodeAt(at + 1))) break
        this.#explicitKey()
        return true
      case 58:
        if (!this.inFlow && !isBlankOrEnd(text.charCodeAt(at + 1))) break
        this.#value()
        return true
      case 42:
      case 38:
        this.#saveKey()
        this.#simpleKeyAllowed = false
        this.#anchor(c === 42 ? T.alias : T.anchor)
        return true
      case 33:
        this.#saveKey()
        this.#simpleKeyAllowed = false
        this.#tag()
        return true
      case 124:
      case 62: {
        if (this.inFlow) break
        this.#simpleKeyAllowed = true
        this.#removeKey()
        const value = scanBlockScalar(this, c === 62)
        this.#tokens.pushText(T.scalar, at, this.at, value, false)
        return true
      }
      case 39:
      case 34: {
        this.#saveKey()
        this.#simpleKeyAllowed = false
        const value = c === 39 ? scanSingleQuoted(this) : scanDoubleQuoted(this)
        this.#tokens.pushText(T.scalar, at, this.at, value, false)
        return true
      }
    }
    this.#plain(c)
    return true
  }

  #plain(c: number): void {
    const { at, text } = this
    if (c === 9) throw new YamlError('found a tab where a token should start', at, 'indent and separate with spaces')
    const following = text.charCodeAt(at + 1)
    const mayStart =
      c >= 128 ||
      INDICATORS[c] === 0 ||
      (!isBlankOrEnd(following) && (c === 45 || (!this.inFlow && (c === 63 || c === 58))))
    if (!mayStart) {
      throw new YamlError(`found '${text.charAt(at)}', which cannot start a value`, at, 'put the value in quotes')
    }
    this.#saveKey()
    this.#simpleKeyAllowed = false
    this.brokeLine = false
    const { value, end } = scanPlain(this)
    if (this.brokeLine) this.#simpleKeyAllowed = true
    this.#tokens.pushText(T.scalar, at, end, value, true)
  }

  #indicator(type: TokenType, length: number): void {
    this.#tokens.push(type, this.at, this.at + length)
    this.at += length
  }

  #skipToToken(): void {
    const { text } = this
    for (;;) {
      let c = text.charCodeAt(this.at)
      while (c === 32) c = text.charCodeAt(++this.at)
      if (c === 35) {
        while (c !== END && !isBreak(c)) c = text.charCodeAt(++this.at)
      }
      if (!isBreak(c)) return
      takeBreak(this)
      if (!this.inFlow) this.#simpleKeyAllowed = true
    }
  }

  #unwind(column: number): void {
    if (this.inFlow) return
    while (this.indent > column) {
      this.indent = this.#indents.pop() as number
      this.#tokens.push(T.blockEnd, this.at, this.at)
    }
  }

  #addIndent(column: number): boolean {
    if (this.indent >= column) return false
    this.#indents.push(this.indent)
    this.#checkDepth()
    this.indent = column
    return true
  }

  #checkDepth(): void {
    if (this.#indents.length + this.#flowLevel <= MAX_YAML_DEPTH) return
    throw new YamlError('the document is nested too deeply', this.at)
  }

  #saveKey(): void {
    const required = !this.inFlow && this.indent === this.#column
    if (!this.#simpleKeyAllowed) return
    this.#removeKey()
    this.#simpleKeys[this.#flowLevel] = {
      token: this.#tokens.count,
      required,
      offset: this.at,
      line: this.line,
      column: this.#column,
    }
  }

  #removeKey(): void {
    const key = this.#simpleKeys[this.#flowLevel]
    if (key === undefined) return
    if (key.required) throw noColon(key)
    this.#simpleKeys[this.#flowLevel] = undefined
  }

  #dropStaleKeys(): void {
    for (let level = 0; level <= this.#flowLevel; level++) {
      const key = this.#simpleKeys[level]
      if (key === undefined || (key.line === this.line && this.at - key.offset <= MAX_SIMPLE_KEY)) continue
      if (key.required) throw noColon(key)
      this.#simpleKeys[level] = undefined
    }
  }

  #blockEntry(): void {
    if (!this.inFlow) {
      if (!this.#simpleKeyAllowed) throw new YamlError('a sequence entry is not allowed here', this.at)
      if (this.#addIndent(this.#column)) this.#tokens.push(T.blockSequence, this.at, this.at)
    }
    this.#simpleKeyAllowed = true
    this.#removeKey()
    this.#indicator(T.entry, 1)
  }

  #explicitKey(): void {
    if (!this.inFlow) {
      if (!this.#simpleKeyAllowed) throw new YamlError('a mapping key is not allowed here', this.at)
      if (this.#addIndent(this.#column)) this.#tokens.push(T.blockMapping, this.at, this.at)
    }
    this.#simpleKeyAllowed = !this.inFlow
    this.#removeKey()
    this.#indicator(T.key, 1)
  }

  #value(): void {
    const key = this.#simpleKeys[this.#flowLevel]
    if (key !== undefined) {
      this.#simpleKeys[this.#flowLevel] = undefined
      const opensMapping = !this.inFlow && this.#addIndent(key.column)
      this.#tokens.opens[key.token] = opensMapping ? 2 : 1
      this.#simpleKeyAllowed = false
    } else {
      if (!this.inFlow) {
        if (!this.#simpleKeyAllowed) {
          throw new YamlError(
            "a mapping value (':') is not allowed here",
            this.at,
            'put text that contains ": " in quotes',
          )
        }
        if (this.#addIndent(this.#column)) this.#tokens.push(T.blockMapping, this.at, this.at)
      }
      this.#simpleKeyAllowed = !this.inFlow
      this.#removeKey()
    }
    this.#indicator(T.value, 1)
  }

  #anchor(type: typeof T.alias | typeof T.anchor): void {
    const start = this.at
    const word = /[0-9A-Za-z_-]*/y
    word.lastIndex = start + 1
    const name = word.exec(this.text)?.[0] ?? ''
    this.at = start + 1 + name.length
    const c = this.text.charCodeAt(this.at)
    if (name === '' || !(isBlankOrEnd(c) || '?:,]}%@`'.includes(String.fromCharCode(c)))) {
      const what = type === T.alias ? 'an alias' : 'an anchor'
      throw new YamlError(
        `${what} may only hold letters, digits, '-' and '_'`,
        this.at,
        'quote a text that begins with * or &',
      )
    }
    this.#tokens.pushText(type, start, this.at, name, false)
  }

  #tag(): void {
    const start = this.at
    let at = start + 1
    if (this.text.charAt(at) === '<') {
      at = this.text.indexOf('>', at) + 1
      if (at === 0) throw new YamlError("a tag lacks its '>'", start)
    } else {
      for (let c = this.text.charCodeAt(at); !isBlankOrEnd(c); c = this.text.charCodeAt(++at)) {
        if (this.inFlow && (c === 44 || c === 91 || c === 93 || c === 123 || c === 125)) break
      }
    }
    const c = this.text.charCodeAt(at)
    if (c === 9 || !(isBlankOrEnd(c) || this.inFlow)) throw new YamlError("expected ' ' after a tag", at)
    this.at = at
    this.#tokens.pushText(T.tag, start, at, this.text.slice(start, at), false)
  }

  #directive(): void {
    const start = this.at
    this.#unwind(-1)
    this.#removeKey()
    this.#simpleKeyAllowed = false
    while (this.text.charCodeAt(this.at) !== END && !isBreak(this.text.charCodeAt(this.at))) this.at++
    this.#tokens.pushText(T.directive, start, this.at, this.text.slice(start, this.at), false)
  }
}

function noColon(key: SimpleKey): YamlError {
  return new YamlError("could not find the ':' of a mapping key", key.offset)
}
