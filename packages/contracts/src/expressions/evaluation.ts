import type { ContractOutcome } from '../contracts/outcome.ts'
import { judgedText } from '../output/text.ts'
import type { CallReach } from '../sandbox/call-reach.ts'
import type { Counters, DecideContext, Envelope } from '../types.ts'
import type { Outcome } from './outcome.ts'

/** A compiled condition. */
export type Test = (evaluation: Evaluation) => Outcome

/** Marks a slot nobody has read yet in this evaluation. */
const UNREAD = Symbol('unread')

/** Reads one selector. Returns undefined for a missing value; null is turned into undefined by the caller. */
export type SelectorReader = (evaluation: Evaluation) => unknown

/**
 * Everything one decision looks at, with each selector resolved at most once. One instance lives with each policy and is
 * lent out per decision: deciding is synchronous, so a second one is needed only when a custom operator decides again.
 */
export class Evaluation {
  envelope: Envelope
  counters: Counters
  context: DecideContext
  /** The tool's response, in post contracts only. */
  response: unknown = undefined
  inPost = false
  busy = false
  /** What the contract judged last has said, unless it passed. */
  outcome: ContractOutcome = null
  /** What the call reaches for, read by the first sandbox contract that judges it. */
  reach: CallReach | null = null
  readonly #readers: readonly SelectorReader[]
  readonly #values: unknown[]
  readonly #touched: number[] = []
  #text: string | undefined

  constructor(readers: readonly SelectorReader[], envelope: Envelope, counters: Counters) {
    this.#readers = readers
    this.#values = new Array(readers.length).fill(UNREAD)
    this.envelope = envelope
    this.counters = counters
    this.context = NO_CONTEXT
  }

  /** Value of a selector, undefined when it is missing or null. Throws what its reader throws. */
  read(slot: number): unknown {
    const value = this.#values[slot]
    return value === UNREAD ? this.#resolve(slot) : value
  }

  #resolve(slot: number): unknown {
    const reader = this.#readers[slot]
    const value = reader === undefined ? undefined : (reader(this) ?? undefined)
    this.#values[slot] = value
    this.#touched.push(slot)
    return value
  }

  /** The response as text, made once; undefined when there is none. Throws when it cannot be judged. */
  responseText(): string | undefined {
    if (!this.inPost) return undefined
    this.#text ??= judgedText(this.response) ?? undefined
    return this.#text
  }

  begin(envelope: Envelope, counters: Counters, context: DecideContext): this {
    this.busy = true
    this.envelope = envelope
    this.counters = counters
    this.context = context
    return this
  }

  /** Forget what selectors said, so that they are read anew. */
  forget(): void {
    for (let i = 0; i < this.#touched.length; i++) this.#values[this.#touched[i] as number] = UNREAD
    this.#touched.length = 0
  }

  /** Forget everything, so that nothing of a call outlives it. */
  end(): void {
    this.forget()
    this.outcome = null
    this.reach = null
    this.response = undefined
    this.inPost = false
    this.#text = undefined
    this.busy = false
  }
}

export const NO_CONTEXT: DecideContext = Object.freeze({})

/** The first `count` code points of a text; a surrogate pair is never split. */
export function firstCodePoints(text: string, count: number): string {
  if (text.length <= count) return text
  let index = 0
  for (let n = 0; n < count && index < text.length; n++) {
    const unit = text.charCodeAt(index)
    const next = text.charCodeAt(index + 1)
    index += unit >= 0xd800 && unit <= 0xdbff && next >= 0xdc00 && next <= 0xdfff ? 2 : 1
  }
  return text.slice(0, index)
}
