import type { ContractDocument, Expression, PreDocument } from '../document.ts'
import { globMatches } from '../match/glob.ts'

/** Counts the comparisons one document may cost. When they are used up, contracts are no longer compared. */
export class Comparisons {
  #left = 50_000
  readonly #texts = new WeakMap<Expression, string>()

  take(): boolean {
    return --this.#left > 0
  }

  areSame(a: Expression, b: Expression): boolean {
    return this.#textOf(a) === this.#textOf(b)
  }

  #textOf(expression: Expression): string {
    let text = this.#texts.get(expression)
    if (text === undefined) {
      text = JSON.stringify(expression, (_, value: unknown) =>
        typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value)) ? `number ${value}` : value,
      )
      this.#texts.set(expression, text)
    }
    return text
  }
}

/** The earlier contract that has denied every call this one would fire for; null when there is none. No guess is made. */
export function shadowOf(
  contract: PreDocument,
  index: number,
  all: readonly ContractDocument[],
  comparisons: Comparisons,
): PreDocument | null {
  for (let at = 0; at < index; at++) {
    const earlier = all[at]
    if (earlier?.type === 'pre' && earlier.enabled && shadows(earlier, contract, comparisons)) return earlier
  }
  return null
}

function shadows(earlier: PreDocument, later: PreDocument, comparisons: Comparisons): boolean {
  if (earlier.then.effect !== 'deny' || earlier.mode === 'observe' || !comesWhenever(earlier, later)) return false
  if (earlier.mode !== later.mode && earlier.mode !== 'enforce') return false
  const covers =
    earlier.tool === '*' ||
    earlier.tool === later.tool ||
    (!/[*?[]/.test(later.tool) && globMatches(earlier.tool, later.tool))
  return covers && implies(later.when, earlier.when, comparisons)
}

/** Whether what the later contract asks of the session's past is all that the earlier one asks. */
function comesWhenever({ after: earlier }: PreDocument, { after: later }: PreDocument): boolean {
  if (earlier === undefined) return true
  if (later === undefined) return false
  return (
    later.labels.every((label) => earlier.labels.includes(label)) &&
    later.tools.every((tool) => earlier.tools.includes(tool))
  )
}

/** Whether `a` can only hold when `b` does. Wrong answers are always "no". */
function implies(a: Expression, b: Expression, comparisons: Comparisons): boolean {
  if (!comparisons.take()) return false
  const follows = (x: Expression, y: Expression) => implies(x, y, comparisons)
  if (comparisons.areSame(a, b) || isAlways(b)) return true
  if ('all' in b && b.all.every((each) => follows(a, each))) return true
  if ('any' in b && b.any.some((each) => follows(a, each))) return true
  if ('all' in a && a.all.some((each) => follows(each, b))) return true
  return 'any' in a && a.any.every((each) => follows(each, b))
}

function isAlways(expression: Expression): boolean {
  if (!('selector' in expression)) return false
  const { selector, operator, value } = expression
  return operator === 'exists' && value === true && (selector === 'tool.name' || selector === 'environment')
}
