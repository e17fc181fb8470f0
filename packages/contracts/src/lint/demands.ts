import type { Expression, PostDocument, PreDocument } from '../document.ts'
import { coerceEnvironmentValue } from '../expressions/environment.ts'
import { Evaluation } from '../expressions/evaluation.ts'
import { PatternCache } from '../expressions/patterns.ts'
import { globMatches, globShape } from '../match/glob.ts'
import { ANYTHING, type Bound, type Demand, PRESENT } from '../operators/operator.ts'
import { operatorOf } from '../operators/operators.ts'
import type { Envelope } from '../types.ts'

/** One thing that must be so of a selector's value. */
export interface Requirement {
  readonly selector: string
  /** As the author would say it: `gt: 500`, `not in: [a, b]`. What is known beforehand is a sentence. */
  readonly spoken: string
  /** Known of every call, not asked for by the condition. */
  readonly isKnown?: true
  readonly demand: Demand
  /** Whether a value meets it. Where that is not known, true. */
  readonly admits: (value: unknown) => boolean
}

type Leaf = Extract<Expression, { selector: string }>

/** What a leaf asks for when it holds, or (`holds` false) does not. */
export function requirementOf({ selector, operator: name, value }: Leaf, holds: boolean): Requirement {
  const spoken = `${holds ? '' : 'not '}${name}: ${shown(value)}`
  const operator = operatorOf(name)
  // A custom operator is never asked of a missing value; nothing else is known of it.
  if (operator === undefined) return { selector, spoken, demand: holds ? PRESENT : ANYTHING, admits: () => true }
  let read: unknown
  const evaluation = new Evaluation([() => read], NO_CALL, NO_COUNTERS)
  const test = operator.compile(0, value, new PatternCache())
  return {
    selector,
    spoken,
    demand: operator.demands(value, holds),
    admits: (candidate) => {
      read = candidate
      evaluation.forget()
      try {
        return test(evaluation) === holds
      } catch {
        return true
      }
    },
  }
}

const NO_CALL = Object.freeze({}) as Envelope
const NO_COUNTERS = Object.freeze({ attempts: 0, executions: 0, toolExecutions: 0 })

/** What is certain of a selector's value in every call a contract is about; null when nothing is. */
export function knownOf(selector: string, { tool }: PreDocument | PostDocument): Requirement | null {
  if (selector === 'tool.name') {
    const shape = globShape(tool)
    return {
      selector,
      isKnown: true,
      spoken: `the contract is about the tool ${shown(tool)}`,
      demand: {
        absent: false,
        kind: 'text',
        ...(shape.kind === 'exact' ? { values: [tool] } : shape.kind === 'prefix' ? { begins: shape.prefix } : {}),
      },
      admits: (value) => typeof value === 'string' && globMatches(tool, value),
    }
  }
  if (selector === 'environment') return ofText(selector, 'an environment is always text', false)
  if (selector === 'output.text') return ofText(selector, 'an output is read as text', true)
  if (selector.startsWith('principal.') && !selector.startsWith('principal.claims'))
    return ofText(selector, 'this field is always text', true)
  if (!selector.startsWith('env.')) return null
  return {
    selector,
    isKnown: true,
    spoken: 'true, false and numbers are read as such, not as text',
    demand: ANYTHING,
    admits: (value) =>
      typeof value === 'string'
        ? coerceEnvironmentValue(value) === value
        : value === undefined || ['number', 'bigint', 'boolean'].includes(typeof value),
  }
}

function ofText(selector: string, spoken: string, absent: boolean): Requirement {
  return {
    selector,
    isKnown: true,
    spoken,
    demand: { absent, kind: 'text' },
    admits: (value) => (value === undefined ? absent : typeof value === 'string'),
  }
}

/** Whether no value at all meets several requirements on one selector. A wrong answer is always "no". */
export function excludeEachOther(requirements: readonly Requirement[]): boolean {
  const demands = requirements.map(({ demand }) => demand)
  if (demands.every(({ absent }) => absent)) {
    // The missing value is one that all of them leave; whether they admit it is for them to say.
    if (requirements.every(({ admits }) => admits(undefined))) return false
  }
  const finite = demands.find(({ values }) => values !== undefined)
  if (finite?.values !== undefined) {
    return finite.values
      .flatMap(readings)
      .every((value) => value === null || value === undefined || !requirements.every(({ admits }) => admits(value)))
  }
  const kinds = new Set(demands.flatMap(({ kind }) => kind ?? []))
  return kinds.size > 1 || areOutOfBounds(demands) || haveOtherEnds(demands)
}

/** An integer beyond 2^53 also stands for the number that JSON carries it as. */
function readings(value: unknown): unknown[] {
  return typeof value === 'bigint' ? [value, Number(value)] : [value]
}

function areOutOfBounds(demands: readonly Demand[]): boolean {
  if (demands.every(({ unordered, low, high }) => unordered || (low === undefined && high === undefined))) return false
  return demands.some(({ low }) =>
    demands.some(({ high }) => low !== undefined && high !== undefined && isAbove(low, high)),
  )
}

/** Whether nothing lies between, neither of the numbers as they are written nor of those JSON carries. */
function isAbove(low: Bound, high: Bound): boolean {
  const apart = (a: number | bigint, b: number | bigint) =>
    a > b || (!(low.inclusive && high.inclusive) && Number(a) === Number(b) && !(a < b))
  return apart(low.limit, high.limit) && apart(Number(low.limit), Number(high.limit))
}

function haveOtherEnds(demands: readonly Demand[]): boolean {
  const begins = demands.flatMap(({ begins: text }) => text ?? [])
  const ends = demands.flatMap(({ ends: text }) => text ?? [])
  const clash = (texts: readonly string[], agree: (long: string, short: string) => boolean) =>
    texts.some((a) => texts.some((b) => !agree(a, b) && !agree(b, a)))
  return clash(begins, (long, short) => long.startsWith(short)) || clash(ends, (long, short) => long.endsWith(short))
}

/** Whether nothing that meets a requirement has parts that other selectors could name. */
export function hasNoParts({ demand: { kind, values } }: Requirement): boolean {
  if (kind !== undefined) return true
  return values?.every((value) => typeof value !== 'object' || value === null || Array.isArray(value)) ?? false
}

const LONGEST_SHOWN = 60

function shown(value: unknown): string {
  const text =
    JSON.stringify(value, (_, each: unknown) =>
      typeof each === 'bigint' || (typeof each === 'number' && !Number.isFinite(each)) ? String(each) : each,
    ) ?? 'null'
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN - 3)}...` : text
}
