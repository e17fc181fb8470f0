import type { ContractIssue } from '../types.ts'
import { ExpressionChecker, type ExpressionOptions } from './expressions.ts'
import { nearest, pathText } from './issues.ts'
import { describe, entryOf, isLater, isNull, isText, lastOfEach, layoutOf, scalarOf } from './reading.ts'
import { INVALID, Reporter } from './reporter.ts'
import type { Dependence, Field, ObjectShape, Shape, StringShape } from './shape.ts'
import { STEP } from './steps.ts'
import { BUNDLE, CONTRACTS } from './table.ts'
import type { MappingEntry, MappingNode, YamlNode } from './yaml/nodes.ts'
import { keyOf, plainValue, setOwn } from './yaml/value.ts'

/** A checked part of a document: field names and words of a `ContractBundle`, expressions already read. */
export type Checked = Record<string, unknown>

export interface CheckOptions extends ExpressionOptions {
  /** Loaded for a server: names and times that the wire does not carry are refused. Off by default. */
  readonly forServer?: boolean
}

export interface CheckResult {
  readonly bundle: Checked
  readonly kind: 'ContractBundle' | 'Ruleset'
  /** In the order of `STEP`, within a step in the order of the text. */
  readonly issues: readonly ContractIssue[]
}

/** All checks of `STEP` over a parsed document. `text` gives the issues their places; null when there is none. */
export function checkDocument(root: YamlNode, text: string | null, options: CheckOptions = {}): CheckResult {
  return new Checker(text, options).run(root)
}

class Checker {
  readonly #to: Reporter
  readonly #expressions: ExpressionChecker
  readonly #forServer: boolean
  #contractType = ''
  readonly #ids = new Map<string, number>()

  constructor(text: string | null, options: CheckOptions) {
    this.#to = new Reporter(text)
    this.#forServer = options.forServer ?? false
    this.#expressions = new ExpressionChecker(this.#to, options, (shape, node) => this.#check(shape, node))
  }

  run(root: YamlNode): CheckResult {
    let bundle: Checked = {}
    if (root.kind !== 'mapping') {
      const message = `A bundle must be a mapping at the top, but is ${describe(root)}`
      this.#to.report(STEP.mapping, 'not_a_mapping', root.start, message)
    } else {
      this.#to.later = isLater(root)
      const checked = this.#object(BUNDLE, root)
      if (checked !== INVALID) bundle = checked
    }
    return { bundle, kind: this.#to.later ? 'Ruleset' : 'ContractBundle', issues: this.#to.issues() }
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
        return typeof value === 'boolean' ? value : this.#to.wrongType(node, 'true or false')
      }
      case 'integer': {
        const value = scalarOf(node)
        const isWhole = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
        if (!isWhole) return this.#to.wrongType(node, 'a whole number')
        if (value < shape.min)
          return this.#to.schema(node, `${this.#to.field()} must be at least ${shape.min}, but is ${value}`)
        if (this.#forServer && shape.carried !== undefined && value > shape.carried)
          return this.#to.schema(
            node,
            `${this.#to.field()} must be at most ${shape.carried} on a server, but is ${value}`,
          )
        return Number(value)
      }
      case 'number': {
        const value = scalarOf(node)
        return typeof value === 'number' || typeof value === 'bigint' ? value : this.#to.wrongType(node, 'a number')
      }
      case 'list':
        return this.#list(shape, node)
      case 'map':
        return node.kind === 'mapping' ? this.#map(shape, node) : this.#to.wrongType(node, 'a mapping')
      case 'object':
        return node.kind === 'mapping' ? this.#object(shape, node) : this.#to.wrongType(node, 'a mapping')
      case 'contract':
        return this.#contractAt(node)
      case 'expression':
        return this.#expressions.check(node, this.#contractType)
    }
  }

  #string(shape: StringShape, node: YamlNode): unknown {
    if (shape.nullable && isNull(node)) return null
    const value = scalarOf(node)
    if (shape.choices !== undefined) return this.#choice(shape, shape.choices, node, value)
    if (typeof value !== 'string')
      return this.#to.wrongType(node, shape.min === undefined ? 'text' : 'text that is not empty')
    if (shape.min !== undefined && value === '') return this.#to.schema(node, `${this.#to.field()} must not be empty`)
    const max = shape.max ?? (this.#forServer ? shape.carried : undefined)
    if (max !== undefined && value.length > max) {
      const length = Array.from(value).length
      const where = shape.max === undefined ? ' on a server' : ''
      if (length > max) {
        return this.#to.schema(
          node,
          `${this.#to.field()} must have at most ${max} characters${where}, but has ${length}`,
        )
      }
    }
    if (shape.pattern !== undefined && !shape.pattern.test(value)) {
      return this.#to.schema(node, `${this.#to.field()} must be ${shape.rule}, but is ${JSON.stringify(value)}`)
    }
    return value
  }

  #choice(shape: StringShape, choices: readonly string[], node: YamlNode, value: unknown): unknown {
    const words = shape.later
    if (typeof value === 'string') {
      if (choices.includes(value)) return value
      if (this.#to.later && words !== undefined) {
        const found = choices.find((choice) => Object.hasOwn(words, choice) && words[choice] === value)
        if (found !== undefined) return found
      }
    }
    const spoken = choices.map(
      (choice) => (this.#to.later && words && Object.hasOwn(words, choice) ? words[choice] : choice) as string,
    )
    const sentence = `${this.#to.field()} must be ${spoken.map((word) => `'${word}'`).join(' or ')}, but is ${describe(node)}`
    let hint: string | undefined
    if (typeof value === 'string') {
      const slip = nearest(value, spoken)
      const renamed = words && Object.keys(words).find((choice) => words[choice] === value && choices.includes(choice))
      if (renamed && !this.#to.later) hint = `a ContractBundle says '${renamed}'; '${value}' belongs to kind: Ruleset`
      else if (slip !== null) hint = `did you mean '${slip}'?`
    }
    return this.#to.schema(node, sentence, hint)
  }

  #list(shape: Shape & { type: 'list' }, node: YamlNode): unknown {
    if (node.kind !== 'sequence') return this.#to.wrongType(node, 'a list')
    if (node.items.length < shape.min)
      return this.#to.schema(node, `${this.#to.field()} must have at least ${shape.min} item`)
    const values: unknown[] = []
    const depth = this.#to.depth++
    let valid = true
    for (let index = 0; index < node.items.length; index++) {
      this.#to.path[depth] = index
      const value = this.#check(shape.items, node.items[index] as YamlNode)
      if (value === INVALID) valid = false
      else values.push(value)
    }
    this.#to.depth = depth
    // A contract that fails keeps the others from nothing: they are still compared with each other.
    return valid || shape.items.type === 'contract' ? Object.freeze(values) : INVALID
  }

  #map(shape: Shape & { type: 'map' }, node: MappingNode): unknown {
    if (node.entries.length < (shape.min ?? 0))
      return this.#to.schema(node, `${this.#to.field()} must have at least ${shape.min} entry`)
    const result: Checked = {}
    let valid = true
    const depth = this.#to.depth++
    for (const { key, value } of lastOfEach(node).values()) {
      const name = keyOf(key)
      this.#to.path[depth] = name
      const checked = this.#check(shape.values, value)
      if (checked === INVALID) valid = false
      else setOwn(result, name, checked)
    }
    this.#to.depth = depth
    return valid ? Object.freeze(result) : INVALID
  }

  #object(shape: ObjectShape, node: MappingNode): Checked | typeof INVALID {
    const { names, fields, positions, laterPositions } = layoutOf(shape)
    const taken: (MappingEntry | undefined)[] = []
    let count = 0
    let valid = true
    for (const entry of node.entries) {
      const written = keyOf(entry.key)
      const at = positions.get(written) ?? (this.#to.later ? laterPositions.get(written) : undefined)
      if (at === undefined || !isText(entry.key)) {
        this.#unknownField(shape, written, entry)
        valid = false
        continue
      }
      const other = taken[at]
      const otherName = other && keyOf(other.key)
      if (otherName !== undefined && otherName !== written) {
        this.#to.schema(
          entry.key,
          `${this.#to.field(otherName)} and ${this.#to.field(written)} are the same field; keep one`,
        )
        valid = false
      }
      if (other === undefined) count++
      taken[at] = entry
    }
    fields.forEach((field, at) => {
      if (!field.required || taken[at] !== undefined) return
      this.#to.schemaAt(this.#spoken(names[at] as string, field), node, 'is required')
      valid = false
    })
    if (!this.#checkGroups(shape, node, (name) => taken[positions.get(name) as number] !== undefined)) valid = false
    const result: Checked = {}
    const depth = this.#to.depth++
    for (let at = 0; count > 0 && at < names.length; at++) {
      const entry = taken[at]
      if (entry === undefined) continue
      count--
      this.#to.path[depth] = keyOf(entry.key)
      const value = this.#check((fields[at] as Field).shape, entry.value)
      if (value === INVALID) valid = false
      else result[names[at] as string] = value
    }
    this.#to.depth = depth
    const has = (name: string) => taken[positions.get(name) as number] !== undefined
    if (shape.depends !== undefined && !this.#checkDependence(shape, shape.depends, node, result, has)) valid = false
    return valid ? result : INVALID
  }

  #checkDependence(
    shape: ObjectShape,
    { on, is, requires = [], otherwiseRequires = [], otherwiseRefuses = [] }: Dependence,
    node: MappingNode,
    result: Checked,
    has: (name: string) => boolean,
  ): boolean {
    let word: unknown = result
    for (const name of on) word = (word as Checked | undefined)?.[name]
    const holds = is === undefined ? has(on[0] as string) : word === is
    const needed = holds ? requires : otherwiseRequires
    const refused = holds ? [] : otherwiseRefuses
    let valid = true
    for (const name of needed) {
      if (has(name)) continue
      this.#to.schemaAt(this.#spoken(name, shape.fields[name] as Field), node, 'is required')
      valid = false
    }
    for (const name of refused) {
      if (!has(name)) continue
      const spoken = on.map((field) => (this.#to.later && field === 'effect' ? 'action' : field)).join('.')
      this.#to.schemaAt(name, node, `belongs to ${spoken}: ${is}`)
      valid = false
    }
    return valid
  }

  #checkGroups(shape: ObjectShape, node: MappingNode, has: (name: string) => boolean): boolean {
    const { oneOf, someOf } = shape
    const list = (names: readonly string[]) => names.map((name) => this.#to.field(name)).join(' or ')
    if (oneOf !== undefined && oneOf.filter(has).length !== 1) {
      this.#to.schema(node, `exactly one of ${list(oneOf)} is required`)
      return false
    }
    if (someOf !== undefined && !someOf.some(has)) {
      this.#to.schema(node, `at least one of ${list(someOf)} is required`)
      return false
    }
    return true
  }

  #spoken(name: string, field: Field): string {
    return this.#to.later ? (field.later?.[0] ?? name) : name
  }

  #unknownField(shape: ObjectShape, written: string, entry: MappingEntry): void {
    const { key } = entry
    if (!isText(key)) {
      this.#to.schemaAt(
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
    this.#to.schemaAt(written, key, 'is not a known field', hint)
  }

  // --- contracts

  #contractAt(node: YamlNode): unknown {
    this.#to.contractDepth = this.#to.depth
    if (node.kind !== 'mapping') {
      this.#to.contract = null
      return this.#to.wrongType(node, 'a mapping')
    }
    const idNode = entryOf(node, 'id')?.value
    const id = idNode && scalarOf(idNode)
    this.#to.contract = typeof id === 'string' && id !== '' ? `${this.#to.noun()} '${id}'` : pathText(this.#to.here())
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
    this.#to.contract = null
    this.#to.contractDepth = 0
    return result
  }

  #unique(id: string, node: YamlNode): void {
    const index = this.#to.path[this.#to.depth - 1] as number
    const first = this.#ids.get(id)
    if (first === undefined) this.#ids.set(id, index)
    else {
      const noun = this.#to.noun()
      const list = pathText(this.#to.here().slice(0, -1))
      this.#to.path[this.#to.depth++] = 'id'
      this.#to.report(
        STEP.uniqueIds,
        'duplicate_id',
        node.start,
        `Duplicate ${noun} id '${id}': ${list}[${first}] has it already; ids are unique in a bundle`,
      )
      this.#to.depth--
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
        this.#to.report(
          STEP.sandbox,
          'sandbox_dependency',
          node.start,
          `${this.#to.subject()}'${field}' requires '${needs}'`,
        )
    }
  }
}
