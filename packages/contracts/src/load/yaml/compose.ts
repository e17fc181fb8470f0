import { MAX_ALIASES, MAX_YAML_DEPTH } from '../../bounds.ts'
import type { MappingEntry, MappingNode, YamlNode } from './nodes.ts'
import { resolvePlain, type ScalarTag, scalarValue } from './resolve.ts'
import { scan } from './scan.ts'
import { T, TOKEN_NAMES, type Tokens, type TokenType, YamlError } from './tokens.ts'

const MAX_NODES = 1_000_000

const CORE = 'tag:yaml.org,2002:'
const SCALAR_TAGS: ReadonlySet<string> = new Set<ScalarTag>(['str', 'null', 'bool', 'int', 'float', 'timestamp'])

interface Anchored {
  node: YamlNode | null
  readonly aliases: number
  readonly nodes: number
}

/**
 * Compose the nodes of one YAML 1.1 document from its tokens, however it is written. Merge keys are worked in; duplicate keys
 * are all there.
 *
 * @throws {YamlError}
 */
export function composeYaml(text: string): YamlNode {
  return new Composer(scan(text)).document()
}

class Composer {
  readonly #tokens: Tokens
  #index = 0
  /** How much of what a token opens is already read. */
  #opened = 0
  #depth = 0
  #aliases = 0
  #nodes = 0
  readonly #anchors = new Map<string, Anchored>()
  readonly #handles = new Map([
    ['!', '!'],
    ['!!', CORE],
  ])

  constructor(tokens: Tokens) {
    this.#tokens = tokens
  }

  document(): YamlNode {
    const first = this.#type
    if (first === T.end) return this.#empty(0)
    let node: YamlNode
    if (first === T.directive || first === T.documentStart) {
      this.#directives()
      const next = this.#type
      const isEmpty = next === T.directive || next === T.documentStart || next === T.documentEnd || next === T.end
      node = isEmpty ? this.#empty(this.#start) : meant(this.#node(true, false))
    } else node = meant(this.#node(true, false))
    while (this.#type === T.documentEnd) this.#advance()
    const rest = this.#type
    if (rest === T.end) return node
    if (rest === T.documentStart || rest === T.directive) {
      throw new YamlError('found a second document; a bundle is exactly one', this.#start)
    }
    throw this.#expected('the end of the document')
  }

  #directives(): void {
    let version = false
    for (; this.#is(T.directive); this.#advance()) {
      const words = this.#text
        .replace(/\s#.*$/, '')
        .trim()
        .split(/\s+/)
      if (words[0] === '%YAML') {
        if (version || !/^1\.[0-9]+$/.test(words[1] ?? '') || words.length !== 2) {
          throw new YamlError('expected one %YAML directive of version 1', this.#start)
        }
        version = true
      } else if (words[0] === '%TAG') {
        if (words.length !== 3 || !/^!(?:[0-9A-Za-z_-]*!)?$/.test(words[1] as string)) {
          throw new YamlError('a %TAG directive needs a handle and a prefix', this.#start)
        }
        this.#handles.set(words[1] as string, words[2] as string)
      }
    }
    if (this.#type !== T.documentStart) throw this.#expected("'---'")
    this.#advance()
  }

  get #type(): TokenType {
    const opens = this.#tokens.opens[this.#index] as number
    if (opens === this.#opened) return this.#tokens.types[this.#index] as TokenType
    return opens - this.#opened === 2 ? T.blockMapping : T.key
  }

  get #start(): number {
    return this.#tokens.starts[this.#index] as number
  }

  /** What only opens something has no width. */
  get #end(): number {
    const { opens, starts, ends } = this.#tokens
    return (opens[this.#index] === this.#opened ? ends : starts)[this.#index] as number
  }

  get #text(): string {
    const { texts, textIndexes } = this.#tokens
    return texts[textIndexes[this.#index] as number] as string
  }

  #advance(): void {
    if (this.#tokens.opens[this.#index] !== this.#opened) this.#opened++
    else {
      this.#index++
      this.#opened = 0
    }
  }

  #is(type: TokenType): boolean {
    return this.#type === type
  }

  #expected(what: string): YamlError {
    return new YamlError(`expected ${what}, but found ${TOKEN_NAMES[this.#type]}`, this.#start)
  }

  #empty(offset: number): YamlNode {
    this.#nodes++
    return { kind: 'scalar', tag: 'null', text: '', plain: true, start: offset, end: offset }
  }

  #node(block: boolean, indentless: boolean): YamlNode {
    const start = this.#start
    let type = this.#type
    if (type === T.alias) return this.#alias()
    let anchor: string | null = null
    let tag: string | null = null
    let end = start
    for (; type === T.anchor || type === T.tag; type = this.#type) {
      if ((type === T.anchor ? anchor : tag) !== null) break
      if (type === T.tag) tag = this.#tagName()
      else {
        anchor = this.#text
        if (this.#anchors.has(anchor)) throw new YamlError(`the anchor '&${anchor}' is given twice`, start)
      }
      end = this.#end
      this.#advance()
    }
    if (anchor === null) return this.#content(block, indentless, start, tag, tag === null ? -1 : end)

    const anchored: Anchored = { node: null, aliases: this.#aliases, nodes: this.#nodes }
    this.#anchors.set(anchor, anchored)
    const node = this.#content(block, indentless, start, tag, end)
    this.#anchors.set(anchor, { node, aliases: this.#aliases - anchored.aliases, nodes: this.#nodes - anchored.nodes })
    return node
  }

  #alias(): YamlNode {
    const name = this.#text
    const start = this.#start
    const target = this.#anchors.get(name)
    if (target === undefined) throw new YamlError(`there is no anchor '&${name}' before this alias`, start)
    if (target.node === null) throw new YamlError(`the alias '*${name}' stands inside of its own anchor`, start)
    this.#aliases += 1 + target.aliases
    this.#nodes += target.nodes
    if (this.#aliases > MAX_ALIASES || this.#nodes > MAX_NODES) {
      throw new YamlError(`more than ${MAX_ALIASES} aliases are expanded`, start)
    }
    this.#advance()
    return target.node
  }

  /** @param propertiesEnd where the node's anchor and tag end, -1 when it has none; only then may the node be empty */
  #content(block: boolean, indentless: boolean, start: number, tag: string | null, propertiesEnd: number): YamlNode {
    const type = this.#type
    this.#nodes++
    if (indentless && type === T.entry) return this.#collection('seq', tag, start)
    if (type === T.scalar) return this.#scalar(tag, start)
    if (type === T.flowSequence || (block && type === T.blockSequence)) return this.#collection('seq', tag, start)
    if (type === T.flowMapping || (block && type === T.blockMapping)) return this.#collection('map', tag, start)
    if (propertiesEnd === -1) throw this.#expected('a value')
    if (tag !== null && tag !== '!' && tag !== 'str' && tag !== 'null') {
      throw new YamlError(`nothing follows the tag !!${tag}`, start)
    }
    return { kind: 'scalar', tag: tag === 'str' ? 'str' : 'null', text: '', plain: false, start, end: propertiesEnd }
  }

  #scalar(tag: string | null, start: number): YamlNode {
    const text = this.#text
    const at = this.#start
    const end = this.#end
    const isPlain = this.#tokens.plain[this.#index] === 1
    this.#advance()
    if (tag !== null && tag !== '!' && !SCALAR_TAGS.has(tag))
      throw new YamlError(`a scalar cannot be tagged !!${tag}`, start)
    const isImplicit = tag === '!' || (tag === null && isPlain)
    const meaning = isImplicit ? resolvePlain(text) : ((tag ?? 'str') as ScalarTag)
    // A text that does not fit its meaning is an error where it stands, used or not.
    if (meaning !== 'str' && meaning !== 'merge' && meaning !== 'value') scalarValue(meaning, text, at)
    return { kind: 'scalar', tag: meaning, text, plain: tag === null && isPlain, start: at, end }
  }

  #collection(kind: 'seq' | 'map', tag: string | null, start: number): YamlNode {
    if (tag !== null && tag !== '!' && tag !== kind) {
      throw new YamlError(`a ${kind === 'seq' ? 'list' : 'mapping'} cannot be tagged !!${tag}`, start)
    }
    if (++this.#depth > MAX_YAML_DEPTH) throw new YamlError('the document is nested too deeply', start)
    const node = this.#read(start)
    this.#depth--
    return node
  }

  #read(start: number): YamlNode {
    switch (this.#type) {
      case T.entry:
        return this.#indentless(start)
      case T.flowSequence:
        return this.#flowSequence()
      case T.flowMapping:
        return this.#flowMapping()
      case T.blockSequence:
        return this.#blockSequence()
      default:
        return this.#blockMapping()
    }
  }

  #tagName(): string {
    const text = this.#text
    if (text === '!') return '!'
    let name: string
    if (text.startsWith('!<')) name = text.slice(2, -1)
    else {
      const handle = /^!(?:[0-9A-Za-z_-]*!)?/.exec(text)?.[0] ?? '!'
      const prefix = this.#handles.get(handle)
      if (prefix === undefined) throw new YamlError(`the tag handle '${handle}' is not defined`, this.#start)
      name = prefix + text.slice(handle.length)
    }
    const known = name.startsWith(CORE) ? name.slice(CORE.length) : ''
    if (!SCALAR_TAGS.has(known) && known !== 'seq' && known !== 'map') {
      throw new YamlError(`the tag '${text}' is not allowed; a bundle is plain data`, this.#start)
    }
    return known
  }

  #blockSequence(): YamlNode {
    const start = this.#start
    this.#advance()
    const items: YamlNode[] = []
    while (this.#is(T.entry)) {
      const end = this.#end
      this.#advance()
      items.push(this.#is(T.entry) || this.#is(T.blockEnd) ? this.#empty(end) : meant(this.#node(true, false)))
    }
    if (!this.#is(T.blockEnd)) throw this.#expected("the next '-' of the list, or its end")
    const end = this.#start
    this.#advance()
    return { kind: 'sequence', items, start, end }
  }

  #indentless(start: number): YamlNode {
    const items: YamlNode[] = []
    let last = start
    while (this.#is(T.entry)) {
      const end = this.#end
      this.#advance()
      const isEmpty = this.#is(T.entry) || this.#is(T.key) || this.#is(T.value) || this.#is(T.blockEnd)
      const item = isEmpty ? this.#empty(end) : meant(this.#node(true, false))
      last = item.end
      items.push(item)
    }
    return { kind: 'sequence', items, start, end: last }
  }

  #blockMapping(): YamlNode {
    const start = this.#start
    this.#advance()
    const entries: MappingEntry[] = []
    while (!this.#is(T.blockEnd)) {
      if (!this.#is(T.key)) throw this.#expected('the next key of the mapping, or its end')
      const key = this.#afterIndicator()
      const value = this.#is(T.value) ? this.#afterIndicator() : this.#empty(this.#start)
      entries.push({ key, value, merged: false })
    }
    const end = this.#start
    this.#advance()
    return this.#mapping(entries, start, end)
  }

  /** The node after the key or value indicator of a block mapping; empty when none follows. */
  #afterIndicator(): YamlNode {
    const end = this.#end
    this.#advance()
    if (this.#is(T.key) || this.#is(T.value) || this.#is(T.blockEnd)) return this.#empty(end)
    return this.#node(true, true)
  }

  #flowSequence(): YamlNode {
    const start = this.#start
    this.#advance()
    const items: YamlNode[] = []
    while (!this.#is(T.flowSequenceEnd)) {
      if (items.length > 0) this.#flowEntry("']'")
      if (this.#is(T.key)) items.push(this.#flowPair())
      else if (!this.#is(T.flowSequenceEnd)) items.push(meant(this.#node(false, false)))
    }
    const end = this.#end
    this.#advance()
    return { kind: 'sequence', items, start, end }
  }

  #flowEntry(end: string): void {
    if (!this.#is(T.flowEntry)) throw this.#expected(`',' or ${end}`)
    this.#advance()
  }

  /** `[a: b]`: a mapping of one pair inside of a list. */
  #flowPair(): YamlNode {
    const start = this.#start
    const [key, value] = this.#flowKeyAndValue(T.flowSequenceEnd)
    return this.#mapping([{ key, value, merged: false }], start, value.end)
  }

  #flowMapping(): YamlNode {
    const start = this.#start
    this.#advance()
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
    const end = this.#end
    this.#advance()
    return this.#mapping(entries, start, end)
  }

  #flowKeyAndValue(end: TokenType): [YamlNode, YamlNode] {
    const keyEnd = this.#end
    this.#advance()
    const noKey = this.#is(T.value) || this.#is(T.flowEntry) || this.#is(end)
    const key = noKey ? this.#empty(keyEnd) : this.#node(false, false)
    if (!this.#is(T.value)) return [key, this.#empty(this.#start)]
    const valueEnd = this.#end
    this.#advance()
    const noValue = this.#is(T.flowEntry) || this.#is(end)
    return [key, noValue ? this.#empty(valueEnd) : this.#node(false, false)]
  }

  /** Close a mapping: keys must be single values, and what `<<` names comes in before the mapping's own entries. */
  #mapping(entries: MappingEntry[], start: number, end: number): MappingNode {
    let isSimple = true
    for (const { key, value } of entries) {
      if (key.kind !== 'scalar') throw new YamlError('a mapping key must be a single value', key.start)
      if (key.tag === 'merge' || key.tag === 'value') isSimple = false
      if (key.tag !== 'merge') meant(value)
    }
    if (isSimple) return { kind: 'mapping', entries, start, end }
    const merges = entries.map(({ key }) => key).filter((key) => key.kind === 'scalar' && key.tag === 'merge')
    return { kind: 'mapping', entries: this.#withMerged(entries), merges, start, end }
  }

  #withMerged(entries: readonly MappingEntry[]): MappingEntry[] {
    const merged: MappingEntry[] = []
    const own: MappingEntry[] = []
    for (const entry of entries) {
      const { key } = entry
      if (key.kind !== 'scalar') continue
      if (key.tag === 'merge') this.#merge(entry.value, merged)
      else own.push(key.tag === 'value' ? { ...entry, key: { ...key, tag: 'str' } } : entry)
    }
    return [...merged, ...own]
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
