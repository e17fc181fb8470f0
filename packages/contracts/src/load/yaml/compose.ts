import type { MappingEntry, MappingNode, ScalarNode, YamlNode } from './nodes.ts'
import { resolvePlain, type ScalarTag, scalarValue } from './resolve.ts'
import { scan } from './scan.ts'
import { T, TOKEN_NAMES, type Token, type TokenType, YamlError } from './tokens.ts'

/** Collections within collections. An expression of 50 levels takes at most 106. */
export const MAX_DEPTH = 120
/** Aliases, those inside of what an alias stands for included (decision D1). */
export const MAX_ALIASES = 100
const MAX_NODES = 1_000_000

const CORE = 'tag:yaml.org,2002:'
const SCALAR_TAGS: ReadonlySet<string> = new Set<ScalarTag>(['str', 'null', 'bool', 'int', 'float', 'timestamp'])

interface Anchored {
  node: YamlNode | null
  readonly aliases: number
  readonly nodes: number
}

/**
 * Parse one YAML 1.1 document into nodes (contract-language §2.1). Merge keys are worked in; duplicate keys are all there.
 *
 * @throws {YamlError}
 */
export function parseYaml(text: string): YamlNode {
  return new Composer(scan(text)).document()
}

class Composer {
  readonly #tokens: readonly Token[]
  #index = 0
  #depth = 0
  #aliases = 0
  #nodes = 0
  readonly #anchors = new Map<string, Anchored>()
  readonly #handles = new Map([
    ['!', '!'],
    ['!!', CORE],
  ])

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  document(): YamlNode {
    const first = this.#peek().type
    if (first === T.end) return this.#empty(0)
    let node: YamlNode
    if (first === T.directive || first === T.documentStart) {
      this.#directives()
      const next = this.#peek().type
      const isEmpty = next === T.directive || next === T.documentStart || next === T.documentEnd || next === T.end
      node = isEmpty ? this.#empty(this.#peek().start) : meant(this.#node(true, false))
    } else node = meant(this.#node(true, false))
    while (this.#peek().type === T.documentEnd) this.#index++
    const rest = this.#peek()
    if (rest.type === T.end) return node
    if (rest.type === T.documentStart || rest.type === T.directive) {
      throw new YamlError('found a second document; a bundle is exactly one', rest.start)
    }
    throw this.#expected('the end of the document')
  }

  #directives(): void {
    let version = false
    for (let token = this.#peek(); token.type === T.directive; token = this.#peek()) {
      this.#index++
      const words = token.text
        .replace(/\s#.*$/, '')
        .trim()
        .split(/\s+/)
      if (words[0] === '%YAML') {
        if (version || !/^1\.[0-9]+$/.test(words[1] ?? '') || words.length !== 2) {
          throw new YamlError('expected one %YAML directive of version 1', token.start)
        }
        version = true
      } else if (words[0] === '%TAG') {
        if (words.length !== 3 || !/^!(?:[0-9A-Za-z_-]*!)?$/.test(words[1] as string)) {
          throw new YamlError('a %TAG directive needs a handle and a prefix', token.start)
        }
        this.#handles.set(words[1] as string, words[2] as string)
      }
    }
    if (this.#peek().type !== T.documentStart) throw this.#expected("'---'")
    this.#index++
  }

  #peek(): Token {
    return this.#tokens[this.#index] as Token
  }

  #is(type: TokenType): boolean {
    return this.#peek().type === type
  }

  #expected(what: string): YamlError {
    const token = this.#peek()
    return new YamlError(`expected ${what}, but found ${TOKEN_NAMES[token.type]}`, token.start)
  }

  #empty(offset: number): YamlNode {
    this.#nodes++
    return { kind: 'scalar', tag: 'null', text: '', plain: true, start: offset, end: offset }
  }

  #node(block: boolean, indentless: boolean): YamlNode {
    const first = this.#peek()
    if (first.type === T.alias) {
      this.#index++
      return this.#alias(first)
    }
    let anchor: Token | null = null
    let tag: Token | null = null
    for (let token = first; token.type === T.anchor || token.type === T.tag; token = this.#peek()) {
      if (token.type === T.anchor ? anchor : tag) break
      if (token.type === T.anchor) anchor = token
      else tag = token
      this.#index++
    }
    const tagName = tag === null ? null : this.#tagName(tag)
    if (anchor === null) return this.#content(block, indentless, first.start, tagName, tag)

    if (this.#anchors.has(anchor.text)) throw new YamlError(`the anchor '&${anchor.text}' is given twice`, anchor.start)
    const anchored: Anchored = { node: null, aliases: this.#aliases, nodes: this.#nodes }
    this.#anchors.set(anchor.text, anchored)
    const node = this.#content(block, indentless, first.start, tagName, anchor)
    this.#anchors.set(anchor.text, {
      node,
      aliases: this.#aliases - anchored.aliases,
      nodes: this.#nodes - anchored.nodes,
    })
    return node
  }

  #alias(token: Token): YamlNode {
    const target = this.#anchors.get(token.text)
    if (target === undefined) throw new YamlError(`there is no anchor '&${token.text}' before this alias`, token.start)
    if (target.node === null)
      throw new YamlError(`the alias '*${token.text}' stands inside of its own anchor`, token.start)
    this.#aliases += 1 + target.aliases
    this.#nodes += target.nodes
    if (this.#aliases > MAX_ALIASES || this.#nodes > MAX_NODES) {
      throw new YamlError(`more than ${MAX_ALIASES} aliases are expanded`, token.start)
    }
    return target.node
  }

  #content(block: boolean, indentless: boolean, start: number, tag: string | null, before: Token | null): YamlNode {
    const token = this.#peek()
    this.#nodes++
    if (indentless && token.type === T.entry) return this.#collection('seq', tag, () => this.#indentless(start))
    switch (token.type) {
      case T.scalar: {
        this.#index++
        const { text, end } = token
        const isImplicit = tag === '!' || (tag === null && token.plain)
        const resolved = isImplicit ? resolvePlain(text) : ((tag ?? 'str') as ScalarTag)
        if (tag !== null && tag !== '!' && !SCALAR_TAGS.has(tag))
          throw new YamlError(`a scalar cannot be tagged !!${tag}`, start)
        const node: ScalarNode = {
          kind: 'scalar',
          tag: resolved,
          text,
          plain: tag === null && token.plain,
          start: token.start,
          end,
        }
        // A text that does not fit its meaning is an error where it stands, used or not.
        if (resolved !== 'str' && resolved !== 'merge' && resolved !== 'value') scalarValue(resolved, text, token.start)
        return node
      }
      case T.flowSequence:
        return this.#collection('seq', tag, () => this.#flowSequence())
      case T.flowMapping:
        return this.#collection('map', tag, () => this.#flowMapping())
      case T.blockSequence:
        if (block) return this.#collection('seq', tag, () => this.#blockSequence())
        break
      case T.blockMapping:
        if (block) return this.#collection('map', tag, () => this.#blockMapping())
        break
    }
    if (before === null) throw this.#expected('a value')
    if (tag !== null && tag !== '!' && tag !== 'str' && tag !== 'null')
      throw new YamlError(`nothing follows the tag !!${tag}`, start)
    return { kind: 'scalar', tag: tag === 'str' ? 'str' : 'null', text: '', plain: false, start, end: before.end }
  }

  #collection(kind: 'seq' | 'map', tag: string | null, read: () => YamlNode): YamlNode {
    const { start } = this.#peek()
    if (tag !== null && tag !== '!' && tag !== kind)
      throw new YamlError(`a ${kind === 'seq' ? 'list' : 'mapping'} cannot be tagged !!${tag}`, start)
    if (++this.#depth > MAX_DEPTH) throw new YamlError('the document is nested too deeply', start)
    const node = read()
    this.#depth--
    return node
  }

  #tagName(token: Token): string {
    const { text } = token
    if (text === '!') return '!'
    let name: string
    if (text.startsWith('!<')) name = text.slice(2, -1)
    else {
      const handle = /^!(?:[0-9A-Za-z_-]*!)?/.exec(text)?.[0] ?? '!'
      const prefix = this.#handles.get(handle)
      if (prefix === undefined) throw new YamlError(`the tag handle '${handle}' is not defined`, token.start)
      name = prefix + text.slice(handle.length)
    }
    const known = name.startsWith(CORE) ? name.slice(CORE.length) : ''
    if (!SCALAR_TAGS.has(known) && known !== 'seq' && known !== 'map') {
      throw new YamlError(`the tag '${text}' is not allowed; a bundle is plain data`, token.start)
    }
    return known
  }

  #blockSequence(): YamlNode {
    const { start } = this.#peek()
    this.#index++
    const items: YamlNode[] = []
    while (this.#is(T.entry)) {
      const { end } = this.#peek()
      this.#index++
      items.push(this.#is(T.entry) || this.#is(T.blockEnd) ? this.#empty(end) : meant(this.#node(true, false)))
    }
    if (!this.#is(T.blockEnd)) throw this.#expected("the next '-' of the list, or its end")
    return { kind: 'sequence', items, start, end: this.#tokens[this.#index++]?.start ?? start }
  }

  #indentless(start: number): YamlNode {
    const items: YamlNode[] = []
    let last = start
    while (this.#is(T.entry)) {
      const { end } = this.#peek()
      this.#index++
      const isEmpty = this.#is(T.entry) || this.#is(T.key) || this.#is(T.value) || this.#is(T.blockEnd)
      const item = isEmpty ? this.#empty(end) : meant(this.#node(true, false))
      last = item.end
      items.push(item)
    }
    return { kind: 'sequence', items, start, end: last }
  }

  #blockMapping(): YamlNode {
    const { start } = this.#peek()
    this.#index++
    const entries: MappingEntry[] = []
    while (!this.#is(T.blockEnd)) {
      if (!this.#is(T.key)) throw this.#expected('the next key of the mapping, or its end')
      const key = this.#afterIndicator()
      const value = this.#is(T.value) ? this.#afterIndicator() : this.#empty(this.#peek().start)
      entries.push({ key, value, merged: false })
    }
    return this.#mapping(entries, start, this.#tokens[this.#index++]?.start ?? start)
  }

  /** The node after the key or value indicator of a block mapping; empty when none follows. */
  #afterIndicator(): YamlNode {
    const { end } = this.#peek()
    this.#index++
    if (this.#is(T.key) || this.#is(T.value) || this.#is(T.blockEnd)) return this.#empty(end)
    return this.#node(true, true)
  }

  #flowSequence(): YamlNode {
    const { start } = this.#peek()
    this.#index++
    const items: YamlNode[] = []
    while (!this.#is(T.flowSequenceEnd)) {
      if (items.length > 0) this.#flowEntry("']'")
      if (this.#is(T.key)) items.push(this.#flowPair())
      else if (!this.#is(T.flowSequenceEnd)) items.push(meant(this.#node(false, false)))
    }
    return { kind: 'sequence', items, start, end: this.#tokens[this.#index++]?.end ?? start }
  }

  #flowEntry(end: string): void {
    if (!this.#is(T.flowEntry)) throw this.#expected(`',' or ${end}`)
    this.#index++
  }

  /** `[a: b]`: a mapping of one pair inside of a list. */
  #flowPair(): YamlNode {
    const token = this.#peek()
    const [key, value] = this.#flowKeyAndValue(T.flowSequenceEnd)
    return this.#mapping([{ key, value, merged: false }], token.start, value.end)
  }

  #flowMapping(): YamlNode {
    const { start } = this.#peek()
    this.#index++
    const entries: MappingEntry[] = []
    while (!this.#is(T.flowMappingEnd)) {
      if (entries.length > 0) this.#flowEntry("'}'")
      if (this.#is(T.key)) {
        const [key, value] = this.#flowKeyAndValue(T.flowMappingEnd)
        entries.push({ key, value, merged: false })
      } else if (!this.#is(T.flowMappingEnd)) {
        const key = this.#node(false, false)
        entries.push({ key, value: this.#empty(key.end), merged: false })
      }
    }
    return this.#mapping(entries, start, this.#tokens[this.#index++]?.end ?? start)
  }

  #flowKeyAndValue(end: TokenType): [YamlNode, YamlNode] {
    const keyToken = this.#peek()
    this.#index++
    const noKey = this.#is(T.value) || this.#is(T.flowEntry) || this.#is(end)
    const key = noKey ? this.#empty(keyToken.end) : this.#node(false, false)
    if (!this.#is(T.value)) return [key, this.#empty(this.#peek().start)]
    const valueToken = this.#peek()
    this.#index++
    const noValue = this.#is(T.flowEntry) || this.#is(end)
    return [key, noValue ? this.#empty(valueToken.end) : this.#node(false, false)]
  }

  /** Close a mapping: keys must be single values, and what `<<` names comes in before the mapping's own entries. */
  #mapping(entries: MappingEntry[], start: number, end: number): MappingNode {
    const merged: MappingEntry[] = []
    const own: MappingEntry[] = []
    for (const entry of entries) {
      const { key } = entry
      if (key.kind !== 'scalar') throw new YamlError('a mapping key must be a single value', key.start)
      if (key.tag !== 'merge') {
        meant(entry.value)
        own.push(key.tag === 'value' ? { ...entry, key: { ...key, tag: 'str' } } : entry)
        continue
      }
      this.#merge(entry.value, merged)
    }
    return { kind: 'mapping', entries: merged.length === 0 ? own : [...merged, ...own], start, end }
  }

  #merge(source: YamlNode, into: MappingEntry[]): void {
    const sources = source.kind === 'sequence' ? [...source.items].reverse() : [source]
    for (const each of sources) {
      if (each.kind !== 'mapping') throw new YamlError("'<<' needs a mapping, or a list of mappings", each.start)
      this.#nodes += each.entries.length
      if (this.#nodes > MAX_NODES) throw new YamlError('merge keys expand to too much', each.start)
      for (const entry of each.entries) into.push({ ...entry, merged: true })
    }
  }
}

/** `=` and `<<` mean something only as keys. */
function meant(node: YamlNode): YamlNode {
  if (node.kind === 'scalar' && (node.tag === 'value' || node.tag === 'merge')) {
    throw new YamlError(`a bare '${node.text}' is no value`, node.start, 'put it in quotes')
  }
  return node
}
