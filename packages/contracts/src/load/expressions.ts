import type { Expression } from '../document.ts'
import { compilePattern, PatternSyntaxError } from '../regex/index.ts'
import { nearest } from './issues.ts'
import { describe, isText, lastOfEach, onlyEntry, quoted } from './reading.ts'
import { INVALID, type Reporter } from './reporter.ts'
import type { Shape } from './shape.ts'
import { MAX_EXPRESSION_DEPTH, OPERATORS } from './table.ts'
import type { MappingEntry, SequenceNode, YamlNode } from './yaml/nodes.ts'
import { keyOf, plainValue } from './yaml/value.ts'

export interface ExpressionOptions {
  /** Names of custom operators (contract-language §21). */
  readonly operators?: ReadonlySet<string>
  /** Whether an unknown operator is an error: step 10 of §2.2, which plain loading leaves to the compiler. On by default. */
  readonly compileChecks?: boolean
}

/** Steps of contract-language §2.2. */
const REGEX = 7
const OUTPUT = 8
const OPERATOR = 10

/** Reads and checks conditions (contract-language §2.8): their form, and what steps 7, 8 and 10 ask of them. */
export class ExpressionChecker {
  readonly #to: Reporter
  readonly #options: ExpressionOptions
  readonly #checkShape: (shape: Shape, node: YamlNode) => unknown
  #contractType = ''

  /** @param checkShape checks an operator's argument */
  constructor(to: Reporter, options: ExpressionOptions, checkShape: (shape: Shape, node: YamlNode) => unknown) {
    this.#to = to
    this.#options = options
    this.#checkShape = checkShape
  }

  /** Check a `when`. `contractType` decides whether it may look at the output. */
  check(node: YamlNode, contractType: string): Expression | typeof INVALID {
    this.#contractType = contractType
    return this.#expression(node, 1)
  }

  #expression(node: YamlNode, depth: number): Expression | typeof INVALID {
    if (node.kind !== 'mapping') return this.#to.wrongType(node, 'a condition (a mapping)')
    if (depth > MAX_EXPRESSION_DEPTH) {
      return this.#to.schema(node, `${this.#to.field()} is nested deeper than ${MAX_EXPRESSION_DEPTH} levels`)
    }
    const entry = onlyEntry(node)
    if (entry === null) {
      const keys = lastOfEach(node)
      if (keys.size === 0) return this.#to.schema(node, `${this.#to.field()} must hold a condition, but is empty`)
      const isNode = keys.has('all') || keys.has('any') || keys.has('not')
      const hint = isNode ? undefined : "join several conditions with 'all' or 'any'"
      return this.#to.schema(
        node,
        `${this.#to.field()} must have exactly one key, but has ${quoted(keys.keys())}`,
        hint,
      )
    }
    const { key, value } = entry
    const word = keyOf(key)
    if (!isText(key)) {
      return this.#to.schema(
        key,
        `${this.#to.field(word)} is not a selector: it reads as ${describe(key)}`,
        `put it in quotes: "${word}"`,
      )
    }
    this.#to.path[this.#to.depth++] = word
    let result: Expression | typeof INVALID
    if (word === 'all' || word === 'any') result = this.#branches(word, value, depth)
    else if (word === 'not') {
      const inner = this.#expression(value, depth + 1)
      result = inner === INVALID ? INVALID : Object.freeze({ not: inner })
    } else result = this.#leaf(word, key, value)
    this.#to.depth--
    return result
  }

  #branches(word: 'all' | 'any', node: YamlNode, depth: number): Expression | typeof INVALID {
    if (node.kind !== 'sequence') return this.#to.wrongType(node, 'a list of conditions')
    if (node.items.length === 0) return this.#to.schema(node, `${this.#to.field()} must have at least 1 condition`)
    const items: Expression[] = []
    const at = this.#to.depth++
    node.items.forEach((item, index) => {
      this.#to.path[at] = index
      const expression = this.#expression(item, depth + 1)
      if (expression !== INVALID) items.push(expression)
    })
    this.#to.depth = at
    if (items.length < (node as SequenceNode).items.length) return INVALID
    return Object.freeze(word === 'all' ? { all: Object.freeze(items) } : { any: Object.freeze(items) })
  }

  #leaf(selector: string, key: YamlNode, node: YamlNode): Expression | typeof INVALID {
    if (selector === 'output.text' && this.#contractType === 'pre') {
      const post = "only a post contract can see what the tool returned: use 'type: post'"
      this.#to.report(
        OUTPUT,
        'output_in_pre',
        key.start,
        `${this.#to.subject()}'output.text' cannot be used in a pre ${this.#to.noun()}`,
        post,
      )
    }
    if (node.kind !== 'mapping') return this.#to.wrongType(node, 'an operator with its argument, as { equals: … }')
    const entry = onlyEntry(node)
    if (entry === null) {
      const keys = lastOfEach(node)
      const found = keys.size === 0 ? 'none' : quoted(keys.keys())
      const hint = keys.size === 0 ? undefined : "join several conditions with 'all'"
      return this.#to.schema(node, `${this.#to.field()} must have exactly one operator, but has ${found}`, hint)
    }
    const operator = keyOf(entry.key)
    if (!isText(entry.key)) return this.#to.schema(entry.key, `${this.#to.field(operator)} is not an operator`)
    this.#to.path[this.#to.depth++] = operator
    const value = this.#argument(operator, entry)
    this.#to.depth--
    return value === INVALID ? INVALID : Object.freeze({ selector, operator, value })
  }

  #argument(operator: string, entry: MappingEntry): unknown {
    const shape = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined
    if (shape === undefined) {
      if (this.#options.compileChecks !== false && !this.#options.operators?.has(operator)) {
        const slip = nearest(operator, [...Object.keys(OPERATORS), ...(this.#options.operators ?? [])])
        const hint = slip === null ? `known operators: ${Object.keys(OPERATORS).join(', ')}` : `did you mean '${slip}'?`
        this.#to.report(
          OPERATOR,
          'unknown_operator',
          entry.key.start,
          `${this.#to.subject()}unknown operator '${operator}'`,
          hint,
        )
      }
      return plainValue(entry.value)
    }
    const value = this.#checkShape(shape, entry.value)
    if (value === INVALID) return INVALID
    if (operator === 'matches') this.#pattern(value as string, entry.value)
    if (operator === 'matches_any') {
      const { items } = entry.value as SequenceNode
      ;(value as readonly string[]).forEach((pattern, index) => {
        this.#to.path[this.#to.depth++] = index
        this.#pattern(pattern, items[index] as YamlNode)
        this.#to.depth--
      })
    }
    return value
  }

  #pattern(source: string, node: YamlNode): void {
    try {
      compilePattern(source)
    } catch (error) {
      if (!(error instanceof PatternSyntaxError)) throw error
      this.#to.report(
        REGEX,
        'invalid_regex',
        node.start,
        `${this.#to.subject()}invalid regex ${JSON.stringify(source)}: ${error.message}`,
      )
    }
  }
}
