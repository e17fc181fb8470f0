import { jsonIn } from './json.ts'

/** What a judge says of a piece of work. */
export interface JudgeAnswer {
  /** From 0 to 1. */
  readonly score: number
  /** How sure it is, from 0 to 1. */
  readonly confidence: number
  readonly reasoning: string
  readonly signals: readonly Signal[]
  readonly suggestions: readonly string[]
  readonly verdict: 'pass' | 'fail' | 'warning' | null
  readonly metadata: Readonly<Record<string, unknown>>
}

/** One thing a judge looked at. */
export interface Signal {
  readonly category: string
  readonly score: number
  readonly message: string
}

/** An answer of a judge that is none: whoever reads it may not take it for a yes. */
export class UnreadableAnswer extends Error {
  override readonly name = 'UnreadableAnswer'
}

const verdicts = ['pass', 'fail', 'warning'] as const
const SHOWN_CHARACTERS = 200

/**
 * The answer of a judge: JSON alone, or in the first fenced block.
 * @throws UnreadableAnswer naming the field that is missing or wrong
 */
export function readAnswer(output: string): JudgeAnswer {
  const found = jsonIn(output)
  if (!found.ok)
    throw new UnreadableAnswer(
      `The judge answered no JSON (${found.problem}): ${output.trim().slice(0, SHOWN_CHARACTERS)}`,
    )
  if (!isObject(found.value)) throw new UnreadableAnswer('The judge answered JSON that is no object.')
  const { score, confidence, reasoning, signals, suggestions, verdict, metadata } = found.value
  return {
    score: share(score, 'score'),
    confidence: share(confidence, 'confidence'),
    reasoning: text(reasoning, 'reasoning'),
    signals: list(signals, 'signals', signalAt),
    suggestions: list(suggestions, 'suggestions', text),
    verdict: absent(verdict) ? null : verdictOf(verdict),
    metadata: absent(metadata) ? {} : object(metadata, 'metadata'),
  }
}

function signalAt(value: unknown, name: string): Signal {
  const { category, score, message } = object(value, name)
  return {
    category: text(category, `${name}.category`),
    score: share(score, `${name}.score`),
    message: text(message, `${name}.message`),
  }
}

function verdictOf(value: unknown): JudgeAnswer['verdict'] {
  const known = verdicts.find((one) => one === value)
  return known ?? refuse('verdict', `one of ${verdicts.join(', ')}`, value)
}

function share(value: unknown, name: string): number {
  return typeof value === 'number' && value >= 0 && value <= 1 ? value : refuse(name, 'a number from 0 to 1', value)
}

const text = (value: unknown, name: string): string =>
  typeof value === 'string' && value.trim() !== '' ? value : refuse(name, 'a text', value)

const object = (value: unknown, name: string): Record<string, unknown> =>
  isObject(value) ? value : refuse(name, 'an object', value)

function list<T>(value: unknown, name: string, item: (value: unknown, name: string) => T): T[] {
  if (absent(value)) return []
  if (!Array.isArray(value)) return refuse(name, 'a list', value)
  return value.map((entry, index) => item(entry, `${name}[${index}]`))
}

const absent = (value: unknown): boolean => value === undefined || value === null

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function refuse(name: string, wanted: string, value: unknown): never {
  const shown = value === undefined ? 'missing' : JSON.stringify(value)?.slice(0, SHOWN_CHARACTERS)
  throw new UnreadableAnswer(`The judge's '${name}' must be ${wanted}; it is ${shown}.`)
}
