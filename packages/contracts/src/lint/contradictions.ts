import type { Expression, PostDocument, PreDocument } from '../document.ts'
import { excludeEachOther, hasNoParts, knownOf, type Requirement, requirementOf } from './demands.ts'

/** What looking for contradictions may cost: in a document, and in one contract. Used up, none is found any more. */
const DOCUMENT_EFFORT = 1_000_000
const CONTRACT_EFFORT = 50_000

/** Counts that cost. One for each document. */
export class Effort {
  #left = DOCUMENT_EFFORT
  #leftInContract = 0

  begin(): void {
    this.#leftInContract = Math.min(CONTRACT_EFFORT, this.#left)
  }

  /** False when there is nothing left. */
  spend(steps: number): boolean {
    this.#left -= steps
    this.#leftInContract -= steps
    return this.#leftInContract > 0
  }
}

interface Signed {
  readonly expression: Expression
  readonly holds: boolean
}

/** Alternatives within alternatives beyond which a condition is not looked at. */
const MAX_NESTED_ALTERNATIVES = 100

/** What is known of the calls for which a condition holds. */
export interface Solution {
  /** Why it can never hold; null when it can, or when that cannot be told. */
  readonly contradiction: string | null
  /** Selectors that have no value whenever it holds. */
  readonly absent: ReadonlySet<string>
}

/**
 * Whether a contract's condition can hold at all. It is taken apart into alternatives; each is a list of requirements, some
 * of which may exclude each other. Sound: what is called a contradiction is one, whatever the call. The contract may still
 * fire for a value that it cannot judge.
 */
export function solve(contract: PreDocument | PostDocument, effort: Effort): Solution {
  effort.begin()
  let contradiction: string | null = null
  let absent: ReadonlySet<string> | null = null

  /** Whether all of these can be so together with what is required already. When it cannot be told, true. */
  const canHold = (wanted: readonly Signed[], required: readonly Requirement[], depth: number): boolean => {
    const requirements = [...required]
    const choices: (readonly Signed[])[] = []
    const open = [...wanted]
    for (let at = 0; at < open.length; at++) {
      if (!effort.spend(1)) return true
      const { expression, holds } = open[at] as Signed
      if ('selector' in expression) requirements.push(requirementOf(expression, holds))
      else if ('not' in expression) open.push({ expression: expression.not, holds: !holds })
      else {
        const branches = ('all' in expression ? expression.all : expression.any).map((each) => ({
          expression: each,
          holds,
        }))
        if ('all' in expression === holds || branches.length === 1) open.push(...branches)
        else choices.push(branches)
      }
    }
    absent ??= new Set(requirements.filter(mustBeAbsent).map(({ selector }) => selector))
    const clash = contradictionIn(requirements, contract, effort)
    contradiction ??= clash
    if (clash !== null) return false
    const [choice, ...rest] = choices
    if (choice === undefined || depth > MAX_NESTED_ALTERNATIVES) return true
    const others = rest.map(oneOf)
    return choice.some((branch) => canHold([branch, ...others], requirements, depth + 1))
  }

  const holds = canHold([{ expression: contract.when, holds: true }], [], 0)
  return { contradiction: holds ? null : contradiction, absent: absent ?? new Set() }
}

function mustBeAbsent({ demand: { absent, values } }: Requirement): boolean {
  return absent && values?.length === 0
}

function oneOf(branches: readonly Signed[]): Signed {
  const any = branches.map(({ expression, holds }): Expression => (holds ? expression : { not: expression }))
  return { expression: { any }, holds: true }
}

/** Two requirements that exclude each other, in words; null when none do. */
function contradictionIn(
  requirements: readonly Requirement[],
  contract: PreDocument | PostDocument,
  effort: Effort,
): string | null {
  const bySelector = new Map<string, Requirement[]>()
  for (const each of requirements) {
    const same = bySelector.get(each.selector)
    if (same) same.push(each)
    else bySelector.set(each.selector, [each])
  }
  for (const [selector, asked] of bySelector) {
    const known = knownOf(selector, contract)
    const all = known === null ? asked : [known, ...asked]
    for (const [at, first] of all.entries()) {
      if (excludeEachOther([first])) return `no value of '${selector}' meets '${first.spoken}'`
      for (const second of all.slice(at + 1)) {
        if (!effort.spend(1 + sizeOf(first) + sizeOf(second))) return null
        if (excludeEachOther([first, second])) return clashOf(selector, first, second)
      }
    }
    if (all.length > 2 && effort.spend(all.length) && excludeEachOther(all))
      return `no value of '${selector}' meets all of ${asked.map(({ spoken }) => `'${spoken}'`).join(', ')}`
  }
  return innerContradiction(bySelector)
}

function sizeOf({ demand }: Requirement): number {
  return demand.values?.length ?? 0
}

function clashOf(selector: string, first: Requirement, second: Requirement): string {
  return first.isKnown
    ? `no value of '${selector}' meets '${second.spoken}': ${first.spoken}`
    : `no value of '${selector}' meets both '${first.spoken}' and '${second.spoken}'`
}

/** A value that has no parts, and another selector that asks for one of them. Variables have dots in their names. */
function innerContradiction(bySelector: ReadonlyMap<string, readonly Requirement[]>): string | null {
  for (const [selector, asked] of bySelector) {
    if (asked.every(({ demand }) => demand.absent) || selector.startsWith('env.')) continue
    for (let dot = selector.lastIndexOf('.'); dot > 0; dot = selector.lastIndexOf('.', dot - 1)) {
      const outer = selector.slice(0, dot)
      const whole = bySelector.get(outer)?.find(hasNoParts)
      if (whole !== undefined) return `'${selector}' has no value when '${outer}' meets '${whole.spoken}'`
    }
  }
  return null
}
