import { MAX_EXPRESSION_DEPTH } from '../bounds.ts'
import type { Expression } from '../document.ts'
import { OPERATOR_NAMES, operatorOf } from '../operators/operators.ts'
import { compilePattern, PatternSyntaxError } from '../regex/index.ts'
import { nearest } from './issues.ts'
import { describe, isText, lastOfEach, onlyEntry, quoted } from './reading.ts'
import { INVALID, type Reporter } from './reporter.ts'
import type { Shape } from './shape.ts'
import { STEP } from './steps.ts'
import type { MappingEntry, SequenceNode, YamlNode } from './yaml/nodes.ts'
import { keyOf, plainValue } from './yaml/value.ts'

export interface ExpressionOptions {
  /** Names of custom operators. */
  readonly operators?: ReadonlySet<string>
  /** Whether an unknown operator is an error; where it is not, the compiler finds it. On by default. */
  readonly compileChecks?: boolean
}

/** Reads and checks conditions: their form, their patterns, what they look at, their operators. */
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
        STEP.output,
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

  #argument(name: string, entry: MappingEntry): unknown {
    const operator = operatorOf(name)
    if (operator === undefined) {
      if (this.#options.compileChecks !== false && !this.#options.operators?.has(name)) {
        const slip = nearest(name, [...OPERATOR_NAMES, ...(this.#options.operators ?? [])])
        const hint = slip === null ? `known operators: ${OPERATOR_NAMES.join(', ')}` : `did you mean '${slip}'?`
        this.#to.report(
          STEP.operators,
          'unknown_operator',
          entry.key.start,
          `${this.#to.subject()}unknown operator '${name}'`,
          hint,
        )
      }
      return plainValue(entry.value)
    }
    const value = this.#checkShape(operator.shape, entry.value)
    if (value === INVALID || operator.patterns === undefined) return value
    const sources = operator.patterns(value)
    if (entry.value.kind !== 'sequence') for (const source of sources) this.#pattern(source, entry.value)
    else {
      const { items } = entry.value
      sources.forEach((source, index) => {
        this.#to.path[this.#to.depth++] = index
        this.#pattern(source, items[index] as YamlNode)
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
        STEP.patterns,
        'invalid_regex',
        node.start,
        `${this.#to.subject()}invalid regex ${JSON.stringify(source)}: ${error.message}`,
      )
    }
  }
}
