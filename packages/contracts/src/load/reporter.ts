import type { ContractIssue } from '../types.ts'
import { issue, type PathPart, Places, pathText } from './issues.ts'
import { describe } from './reading.ts'
import { STEP } from './steps.ts'
import type { YamlNode } from './yaml/nodes.ts'

/** What a check returns instead of a value. */
export const INVALID = Symbol('invalid')

/** More issues than anybody reads; a document of nothing but mistakes must not cost more than that. */
const MAX_ISSUES = 1_000

/** Where a check is in the document, and what it has found. One per document; the checks move it along. */
export class Reporter {
  /** The names on the way to the place at hand, as far as `depth`; what lies beyond is left over. */
  readonly path: PathPart[] = []
  depth = 0
  /** Whether the document is a `Ruleset` and wants to be spoken to in its words. */
  later = false
  /** How the contract at hand is called in messages, and how long the path to it is. */
  contract: string | null = null
  contractDepth = 0
  readonly #found: { step: number; issue: ContractIssue }[] = []
  readonly #places: Places

  constructor(text: string | null) {
    this.#places = new Places(text)
  }

  here(): PathPart[] {
    return this.path.slice(0, this.depth)
  }

  report(step: number, code: string, offset: number, message: string, hint?: string): typeof INVALID {
    if (this.#found.length >= MAX_ISSUES) return INVALID
    this.#found.push({ step, issue: issue(code, pathText(this.here()), this.#places.of(offset), message, hint) })
    return INVALID
  }

  /** A violation of the schema; the sentence begins with the field it is about. */
  schema(node: { start: number }, sentence: string, hint?: string): typeof INVALID {
    return this.report(STEP.schema, 'schema', node.start, `Schema validation failed: ${this.where()}${sentence}`, hint)
  }

  /** The same about a field of the object at hand that is missing, or should be. */
  schemaAt(field: string, node: { start: number }, sentence: string, hint?: string): void {
    this.path[this.depth++] = field
    this.schema(node, `${this.field()} ${sentence}`, hint)
    this.depth--
  }

  /** `contract 'c1': `, to begin the rest of a sentence with. */
  where(): string {
    return this.contract === null ? '' : `${this.contract}: `
  }

  /** The field at hand as messages name it: from its contract on, in the author's words. */
  field(...more: PathPart[]): string {
    const parts = [...(this.contract === null ? this.here() : this.here().slice(this.contractDepth)), ...more]
    return `'${pathText(parts) || 'contract'}'`
  }

  /** A value of the wrong kind. */
  wrongType(node: YamlNode, wanted: string): typeof INVALID {
    const quoting = wanted.startsWith('text') && node.kind === 'scalar' && node.tag !== 'null'
    return this.schema(
      node,
      `${this.field()} must be ${wanted}, but is ${describe(node)}`,
      quoting ? `put it in quotes: "${node.text}"` : undefined,
    )
  }

  /** `Contract 'c1': `, to begin a sentence with. */
  subject(): string {
    const words = this.where()
    return words.charAt(0).toUpperCase() + words.slice(1)
  }

  noun(): string {
    return this.later ? 'rule' : 'contract'
  }

  /** What was found, by `STEP` and then in the order of finding. */
  issues(): ContractIssue[] {
    return this.#found.sort((a, b) => a.step - b.step).map((each) => each.issue)
  }
}
