import type { Expression } from '../document.ts'
import { compilePattern, PatternSyntaxError } from '../regex/index.ts'
import type { ContractIssue } from '../types.ts'
import { issue, nearest, type PathPart, Places, pathText } from './issues.ts'
import type { Field, ObjectShape, Shape, StringShape } from './shape.ts'
import { BUNDLE, CONTRACTS, MAX_EXPRESSION_DEPTH, OPERATORS } from './table.ts'
import type { MappingEntry, MappingNode, ScalarNode, SequenceNode, YamlNode } from './yaml/nodes.ts'
import { scalarValue } from './yaml/resolve.ts'
import { keyOf, plainValue, setOwn } from './yaml/value.ts'

/** A checked part of a document: field names and words of the seeds' vocabulary, expressions already read. */
export type Checked = Record<string, unknown>

export interface CheckOptions {
  /** Names of custom operators (contract-language §21). */
  readonly operators?: ReadonlySet<string>
  /** Whether an unknown operator is an error: step 10 of §2.2, which plain loading leaves to the compiler. On by default. */
  readonly compileChecks?: boolean
}

export interface CheckResult {
  readonly bundle: Checked
  readonly kind: 'ContractBundle' | 'Ruleset'
  /** In the order of the steps of §2.2, within a step in the order of the text. */
  readonly issues: readonly ContractIssue[]
}

/** Steps of contract-language §2.2. */
const SCHEMA = 5
const UNIQUE = 6
const REGEX = 7
const OUTPUT = 8
const SANDBOX = 9
const OPERATOR = 10

const INVALID = Symbol('invalid')

/** Steps 4 to 10 over a parsed document. `text` gives the issues their places; null when there is none. */
export function checkDocument(root: YamlNode, text: string | null, options: CheckOptions = {}): CheckResult {
  return new Checker(text, options).run(root)
}

class Checker {
  readonly #options: CheckOptions
  readonly #places: Places
  readonly #found: { step: number; issue: ContractIssue }[] = []
  /** Where the check is, as far as `#depth`; what lies beyond is left over. */
  readonly #path: PathPart[] = []
  #depth = 0
  #later = false
  /** How the contract at hand is called in messages, and how long the path to it is. */
  #contract: string | null = null
  #contractDepth = 0
  #contractType = ''
  readonly #ids = new Map<string, number>()

  constructor(text: string | null, options: CheckOptions) {
    this.#places = new Places(text)
    this.#options = options
  }

  run(root: YamlNode): CheckResult {
    let bundle: Checked = {}
    if (root.kind !== 'mapping') {
      this.#report(4, 'not_a_mapping', root.start, `A bundle must be a mapping at the top, but is ${describe(root)}`)
    } else {
      this.#later = isLater(root)
      const checked = this.#object(BUNDLE, root)
      if (checked !== INVALID) bundle = checked
    }
    const issues = this.#found.sort((a, b) => a.step - b.step).map((each) => each.issue)
    return { bundle, kind: this.#later ? 'Ruleset' : 'ContractBundle', issues }
  }

  #here(): PathPart[] {
    return this.#path.slice(0, this.#depth)
  }

  // --- reporting

  #report(step: number, code: string, offset: number, message: string, hint?: string): typeof INVALID {
    this.#found.push({ step, issue: issue(code, pathText(this.#here()), this.#places.of(offset), message, hint) })
    return INVALID
  }

  /** A violation of the schema; the sentence begins with the field it is about. */
  #schema(node: { start: number }, sentence: string, hint?: string): typeof INVALID {
    return this.#report(SCHEMA, 'schema', node.start, `Schema validation failed: ${this.#where()}${sentence}`, hint)
  }

  /** The same about a field of the object at hand that is missing, or should be. */
  #schemaAt(field: string, node: { start: number }, sentence: string, hint?: string): void {
    this.#path[this.#depth++] = field
    this.#schema(node, `${this.#field()} ${sentence}`, hint)
    this.#depth--
  }

  #where(): string {
    return this.#contract === null ? '' : `${this.#contract}: `
  }

  /** The field at hand as messages name it: from its contract on, in the author's words. */
  #field(...more: PathPart[]): string {
    const parts = [...(this.#contract === null ? this.#here() : this.#here().slice(this.#contractDepth)), ...more]
    return `'${pathText(parts) || 'contract'}'`
  }

  #noun(): string {
    return this.#later ? 'rule' : 'contract'
  }

  // --- shapes

  #check(shape: Shape, node: YamlNode): unknown {
    switch (shape.type) {
      case 'any':
        return plainValue(node)
      case 'string':
        return this.#string(shape, node)
      case 'boolean': {
        const value = scalarOf(node)
        return typeof value === 'boolean' ? value : this.#wrongType(node, 'true or false')
      }
      case 'integer': {
        const value = scalarOf(node)
        const isWhole = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
        if (!isWhole) return this.#wrongType(node, 'a whole number')
        if (value < shape.min)
          return this.#schema(node, `${this.#field()} must be at least ${shape.min}, but is ${value}`)
        return Number(value)
      }
      case 'number': {
        const value = scalarOf(node)
        return typeof value === 'number' || typeof value === 'bigint' ? value : this.#wrongType(node, 'a number')
      }
      case 'list':
        return this.#list(shape, node)
      case 'map':
        return node.kind === 'mapping' ? this.#map(shape, node) : this.#wrongType(node, 'a mapping')
      case 'object':
        return node.kind === 'mapping' ? this.#object(shape, node) : this.#wrongType(node, 'a mapping')
      case 'contract':
        return this.#contractAt(node)
      case 'expression':
        return this.#expression(node, 1)
    }
  }

  #wrongType(node: YamlNode, wanted: string): typeof INVALID {
    const quoting = wanted.startsWith('text') && node.kind === 'scalar' && node.tag !== 'null'
    return this.#schema(
      node,
      `${this.#field()} must be ${wanted}, but is ${describe(node)}`,
      quoting ? `put it in quotes: "${node.text}"` : undefined,
    )
  }

  #string(shape: StringShape, node: YamlNode): unknown {
    if (shape.nullable && isNull(node)) return null
    const value = scalarOf(node)
    if (shape.choices !== undefined) return this.#choice(shape, shape.choices, node, value)
    if (typeof value !== 'string')
      return this.#wrongType(node, shape.min === undefined ? 'text' : 'text that is not empty')
    if (shape.min !== undefined && value === '') return this.#schema(node, `${this.#field()} must not be empty`)
    if (shape.max !== undefined && value.length > shape.max) {
      const length = Array.from(value).length
      if (length > shape.max) {
        return this.#schema(node, `${this.#field()} must have at most ${shape.max} characters, but has ${length}`)
      }
    }
    if (shape.pattern !== undefined && !shape.pattern.test(value)) {
      return this.#schema(node, `${this.#field()} must be ${shape.rule}, but is ${JSON.stringify(value)}`)
    }
    return value
  }

  #choice(shape: StringShape, choices: readonly string[], node: YamlNode, value: unknown): unknown {
    const words = shape.later
    if (typeof value === 'string') {
      if (choices.includes(value)) return value
      if (this.#later && words !== undefined) {
        const found = choices.find((choice) => Object.hasOwn(words, choice) && words[choice] === value)
        if (found !== undefined) return found
      }
    }
    const spoken = choices.map(
      (choice) => (this.#later && words && Object.hasOwn(words, choice) ? words[choice] : choice) as string,
    )
    const sentence = `${this.#field()} must be ${spoken.map((word) => `'${word}'`).join(' or ')}, but is ${describe(node)}`
    let hint: string | undefined
    if (typeof value === 'string') {
      const slip = nearest(value, spoken)
      const renamed = words && Object.keys(words).find((choice) => words[choice] === value && choices.includes(choice))
      if (renamed && !this.#later) hint = `a ContractBundle says '${renamed}'; '${value}' belongs to kind: Ruleset`
      else if (slip !== null) hint = `did you mean '${slip}'?`
    }
    return this.#schema(node, sentence, hint)
  }

  #list(shape: Shape & { type: 'list' }, node: YamlNode): unknown {
    if (node.kind !== 'sequence') return this.#wrongType(node, 'a list')
    if (node.items.length < shape.min)
      return this.#schema(node, `${this.#field()} must have at least ${shape.min} item`)
    const values: unknown[] = []
    const depth = this.#depth++
    let valid = true
    for (let index = 0; index < node.items.length; index++) {
      this.#path[depth] = index
      const value = this.#check(shape.items, node.items[index] as YamlNode)
      if (value === INVALID) valid = false
      else values.push(value)
    }
    this.#depth = depth
    // A contract that fails keeps the others from nothing: they are still compared with each other.
    return valid || shape.items.type === 'contract' ? Object.freeze(values) : INVALID
  }

  #map(shape: Shape & { type: 'map' }, node: MappingNode): unknown {
    if (node.entries.length < (shape.min ?? 0))
      return this.#schema(node, `${this.#field()} must have at least ${shape.min} entry`)
    const result: Checked = {}
    let valid = true
    const depth = this.#depth++
    for (const { key, value } of lastOfEach(node).values()) {
      const name = keyOf(key)
      this.#path[depth] = name
      const checked = this.#check(shape.values, value)
      if (checked === INVALID) valid = false
      else setOwn(result, name, checked)
    }
    this.#depth = depth
    return valid ? Object.freeze(result) : INVALID
  }

  #object(shape: ObjectShape, node: MappingNode): Checked | typeof INVALID {
    const { names, fields, positions, laterPositions } = layoutOf(shape)
    const taken: (MappingEntry | undefined)[] = []
    let count = 0
    let valid = true
    for (const entry of node.entries) {
      const written = keyOf(entry.key)
      const at = positions.get(written) ?? (this.#later ? laterPositions.get(written) : undefined)
      if (at === undefined || !isText(entry.key)) {
        this.#unknownField(shape, written, entry)
        valid = false
        continue
      }
      const other = taken[at]
      const otherName = other && keyOf(other.key)
      if (otherName !== undefined && otherName !== written) {
        this.#schema(entry.key, `${this.#field(otherName)} and ${this.#field(written)} are the same field; keep one`)
        valid = false
      }
      if (other === undefined) count++
      taken[at] = entry
    }
    fields.forEach((field, at) => {
      if (!field.required || taken[at] !== undefined) return
      this.#schemaAt(this.#spoken(names[at] as string, field), node, 'is required')
      valid = false
    })
    if (!this.#checkGroups(shape, node, (name) => taken[positions.get(name) as number] !== undefined)) valid = false
    const result: Checked = {}
    const depth = this.#depth++
    for (let at = 0; count > 0 && at < names.length; at++) {
      const entry = taken[at]
      if (entry === undefined) continue
      count--
      this.#path[depth] = keyOf(entry.key)
      const value = this.#check((fields[at] as Field).shape, entry.value)
      if (value === INVALID) valid = false
      else result[names[at] as string] = value
    }
    this.#depth = depth
    return valid ? result : INVALID
  }

  #checkGroups(shape: ObjectShape, node: MappingNode, has: (name: string) => boolean): boolean {
    const { oneOf, someOf } = shape
    const list = (names: readonly string[]) => names.map((name) => this.#field(name)).join(' or ')
    if (oneOf !== undefined && oneOf.filter(has).length !== 1) {
      this.#schema(node, `exactly one of ${list(oneOf)} is required`)
      return false
    }
    if (someOf !== undefined && !someOf.some(has)) {
      this.#schema(node, `at least one of ${list(someOf)} is required`)
      return false
    }
    return true
  }

  #spoken(name: string, field: Field): string {
    return this.#later ? (field.later?.[0] ?? name) : name
  }

  #unknownField(shape: ObjectShape, written: string, entry: MappingEntry): void {
    const { key } = entry
    if (!isText(key)) {
      this.#schemaAt(
        written,
        key,
        `is not a field name: it reads as ${describe(key)}`,
        `put it in quotes: "${written}"`,
      )
      return
    }
    const names = Object.entries(shape.fields).map(([name, field]) => this.#spoken(name, field))
    const renamed = Object.entries(shape.fields).find(([, field]) => field.later?.includes(written))
    let hint: string | undefined
    if (renamed !== undefined) hint = `a ContractBundle says '${renamed[0]}'; '${written}' belongs to kind: Ruleset`
    else if (written === 'tools' && names.includes('tool')) hint = "one contract names one tool or glob: use 'tool'"
    else {
      const slip = nearest(written, names)
      hint = slip === null ? `known fields: ${names.join(', ')}` : `did you mean '${slip}'?`
    }
    this.#schemaAt(written, key, 'is not a known field', hint)
  }

  // --- contracts

  #contractAt(node: YamlNode): unknown {
    this.#contractDepth = this.#depth
    if (node.kind !== 'mapping') {
      this.#contract = null
      return this.#wrongType(node, 'a mapping')
    }
    const idNode = entryOf(node, 'id')?.value
    const id = idNode && scalarOf(idNode)
    this.#contract = typeof id === 'string' && id !== '' ? `${this.#noun()} '${id}'` : pathText(this.#here())
    const typeNode = entryOf(node, 'type')?.value
    const type = typeNode && scalarOf(typeNode)
    if (typeof id === 'string' && idNode !== undefined) this.#unique(id, idNode)
    const shape = typeof type === 'string' && Object.hasOwn(CONTRACTS, type) ? CONTRACTS[type] : undefined
    let result: unknown
    if (shape === undefined) {
      // Without a type nobody can say which fields belong: name that first, and the identity, which all types share.
      const common = (CONTRACTS.pre as ObjectShape).fields
      const fields = { id: common.id as Field, type: common.type as Field }
      const known = node.entries.filter(({ key }) => keyOf(key) === 'id' || keyOf(key) === 'type')
      this.#object({ type: 'object', fields }, { ...node, entries: known })
      result = INVALID
    } else {
      this.#contractType = type as string
      result = this.#object(shape, node)
      if (result !== INVALID && type === 'sandbox') this.#sandbox(result as Checked, node)
    }
    this.#contract = null
    this.#contractDepth = 0
    return result
  }

  #unique(id: string, node: YamlNode): void {
    const index = this.#path[this.#depth - 1] as number
    const first = this.#ids.get(id)
    if (first === undefined) this.#ids.set(id, index)
    else {
      const noun = this.#noun()
      const list = pathText(this.#here().slice(0, -1))
      this.#path[this.#depth++] = 'id'
      this.#report(
        UNIQUE,
        'duplicate_id',
        node.start,
        `Duplicate ${noun} id '${id}': ${list}[${first}] has it already; ids are unique in a bundle`,
      )
      this.#depth--
    }
  }

  #sandbox(sandbox: Checked, node: YamlNode): void {
    const [allows, notAllows] = [sandbox.allows, sandbox.not_allows] as (Checked | undefined)[]
    const pairs: [boolean, string, string][] = [
      [sandbox.not_within !== undefined && sandbox.within === undefined, 'not_within', 'within'],
      [notAllows !== undefined && allows === undefined, 'not_allows', 'allows'],
      [
        notAllows?.domains !== undefined && allows !== undefined && allows.domains === undefined,
        'not_allows.domains',
        'allows.domains',
      ],
    ]
    for (const [broken, field, needs] of pairs) {
      if (broken)
        this.#report(
          SANDBOX,
          'sandbox_dependency',
          node.start,
          `${capital(this.#where())}'${field}' requires '${needs}'`,
        )
    }
  }

  // --- expressions

  #expression(node: YamlNode, depth: number): Expression | typeof INVALID {
    if (node.kind !== 'mapping') return this.#wrongType(node, 'a condition (a mapping)')
    if (depth > MAX_EXPRESSION_DEPTH) {
      return this.#schema(node, `${this.#field()} is nested deeper than ${MAX_EXPRESSION_DEPTH} levels`)
    }
    const entry = onlyEntry(node)
    if (entry === null) {
      const keys = lastOfEach(node)
      if (keys.size === 0) return this.#schema(node, `${this.#field()} must hold a condition, but is empty`)
      const isNode = keys.has('all') || keys.has('any') || keys.has('not')
      const hint = isNode ? undefined : "join several conditions with 'all' or 'any'"
      return this.#schema(node, `${this.#field()} must have exactly one key, but has ${quoted(keys.keys())}`, hint)
    }
    const { key, value } = entry
    const word = keyOf(key)
    if (!isText(key)) {
      return this.#schema(
        key,
        `${this.#field(word)} is not a selector: it reads as ${describe(key)}`,
        `put it in quotes: "${word}"`,
      )
    }
    this.#path[this.#depth++] = word
    let result: Expression | typeof INVALID
    if (word === 'all' || word === 'any') result = this.#branches(word, value, depth)
    else if (word === 'not') {
      const inner = this.#expression(value, depth + 1)
      result = inner === INVALID ? INVALID : Object.freeze({ not: inner })
    } else result = this.#leaf(word, key, value)
    this.#depth--
    return result
  }

  #branches(word: 'all' | 'any', node: YamlNode, depth: number): Expression | typeof INVALID {
    if (node.kind !== 'sequence') return this.#wrongType(node, 'a list of conditions')
    if (node.items.length === 0) return this.#schema(node, `${this.#field()} must have at least 1 condition`)
    const items: Expression[] = []
    const at = this.#depth++
    node.items.forEach((item, index) => {
      this.#path[at] = index
      const expression = this.#expression(item, depth + 1)
      if (expression !== INVALID) items.push(expression)
    })
    this.#depth = at
    if (items.length < (node as SequenceNode).items.length) return INVALID
    return Object.freeze(word === 'all' ? { all: Object.freeze(items) } : { any: Object.freeze(items) })
  }

  #leaf(selector: string, key: YamlNode, node: YamlNode): Expression | typeof INVALID {
    if (selector === 'output.text' && this.#contractType === 'pre') {
      const post = "only a post contract can see what the tool returned: use 'type: post'"
      this.#report(
        OUTPUT,
        'output_in_pre',
        key.start,
        `${capital(this.#where())}'output.text' cannot be used in a pre ${this.#noun()}`,
        post,
      )
    }
    if (node.kind !== 'mapping') return this.#wrongType(node, 'an operator with its argument, as { equals: … }')
    const entry = onlyEntry(node)
    if (entry === null) {
      const keys = lastOfEach(node)
      const found = keys.size === 0 ? 'none' : quoted(keys.keys())
      const hint = keys.size === 0 ? undefined : "join several conditions with 'all'"
      return this.#schema(node, `${this.#field()} must have exactly one operator, but has ${found}`, hint)
    }
    const operator = keyOf(entry.key)
    if (!isText(entry.key)) return this.#schema(entry.key, `${this.#field(operator)} is not an operator`)
    this.#path[this.#depth++] = operator
    const value = this.#argument(operator, entry)
    this.#depth--
    return value === INVALID ? INVALID : Object.freeze({ selector, operator, value })
  }

  #argument(operator: string, entry: MappingEntry): unknown {
    const shape = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined
    if (shape === undefined) {
      if (this.#options.compileChecks !== false && !this.#options.operators?.has(operator)) {
        const slip = nearest(operator, [...Object.keys(OPERATORS), ...(this.#options.operators ?? [])])
        const hint = slip === null ? `known operators: ${Object.keys(OPERATORS).join(', ')}` : `did you mean '${slip}'?`
        this.#report(
          OPERATOR,
          'unknown_operator',
          entry.key.start,
          `${capital(this.#where())}unknown operator '${operator}'`,
          hint,
        )
      }
      return plainValue(entry.value)
    }
    const value = this.#check(shape, entry.value)
    if (value === INVALID) return INVALID
    if (operator === 'matches') this.#pattern(value as string, entry.value)
    if (operator === 'matches_any') {
      const { items } = entry.value as SequenceNode
      ;(value as readonly string[]).forEach((pattern, index) => {
        this.#path[this.#depth++] = index
        this.#pattern(pattern, items[index] as YamlNode)
        this.#depth--
      })
    }
    return value
  }

  #pattern(source: string, node: YamlNode): void {
    try {
      compilePattern(source)
    } catch (error) {
      if (!(error instanceof PatternSyntaxError)) throw error
      this.#report(
        REGEX,
        'invalid_regex',
        node.start,
        `${capital(this.#where())}invalid regex ${JSON.stringify(source)}: ${error.message}`,
      )
    }
  }
}

interface Layout {
  readonly names: readonly string[]
  readonly fields: readonly Field[]
  readonly positions: ReadonlyMap<string, number>
  /** Positions by the names that only a `Ruleset` uses. */
  readonly laterPositions: ReadonlyMap<string, number>
}

const layouts = new WeakMap<ObjectShape, Layout>()

/** The fields of a shape in order, and where each name finds its own. Made once per shape. */
function layoutOf(shape: ObjectShape): Layout {
  const known = layouts.get(shape)
  if (known !== undefined) return known
  const names = Object.keys(shape.fields)
  const fields = Object.values(shape.fields)
  const layout: Layout = {
    names,
    fields,
    positions: new Map(names.map((name, at) => [name, at])),
    laterPositions: new Map(
      fields.flatMap((field, at) => (field.later ?? []).map((name): [string, number] => [name, at])),
    ),
  }
  layouts.set(shape, layout)
  return layout
}

/** The value under a key; of duplicate keys the last. */
function entryOf(node: MappingNode, name: string): MappingEntry | undefined {
  return node.entries.findLast((entry) => keyOf(entry.key) === name)
}

/** Entries by key; of duplicate keys the last, in the place of the first. */
function lastOfEach(node: MappingNode): Map<string, MappingEntry> {
  const entries = new Map<string, MappingEntry>()
  for (const entry of node.entries) entries.set(keyOf(entry.key), entry)
  return entries
}

/** The entry of a mapping that has one key; null when it has none or several. */
function onlyEntry(node: MappingNode): MappingEntry | null {
  const last = node.entries.at(-1)
  if (last === undefined) return null
  if (node.entries.length === 1) return last
  return node.entries.every((entry) => keyOf(entry.key) === keyOf(last.key)) ? last : null
}

function quoted(names: Iterable<string>): string {
  return Array.from(names, (name) => `'${name}'`).join(', ')
}

function isLater(root: MappingNode): boolean {
  const kind = entryOf(root, 'kind')?.value
  const word = kind && scalarOf(kind)
  if (word === 'Ruleset' || word === 'ContractBundle') return word === 'Ruleset'
  return entryOf(root, 'rules') !== undefined && entryOf(root, 'contracts') === undefined
}

function scalarOf(node: YamlNode): unknown {
  if (node.kind !== 'scalar') return undefined
  if (node.value !== undefined) return node.value
  return node.tag === 'str'
    ? node.text
    : node.tag === 'value'
      ? undefined
      : scalarValue(node.tag, node.text, node.start)
}

function isText(key: YamlNode): key is ScalarNode {
  return key.kind === 'scalar' && key.tag === 'str'
}

function isNull(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.tag === 'null'
}

/** What a node is, for people. */
function describe(node: YamlNode): string {
  if (node.kind === 'sequence') return 'a list'
  if (node.kind === 'mapping') return 'a mapping'
  const written = node.text.length > 60 ? `${node.text.slice(0, 57)}...` : node.text
  switch (node.tag) {
    case 'null':
      return 'null'
    case 'bool':
      return `the boolean ${written}`
    case 'int':
    case 'float':
      return `the number ${written}`
    case 'timestamp':
      return `the date ${written}`
    default:
      return JSON.stringify(written)
  }
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}
