import { needlesOf } from './needles.ts'

/** What stands in the place of a value. */
export const MASK = '***'

/** The shortest piece of a value that is known again where a text was cut. */
const SHORTEST_PIECE = 6
const DEEPEST = 200
/** A longer text may have been cut on its way here. */
const LONGEST_WHOLE = 1_000

/** Takes what somebody was handed in secret out of what is written about them. */
export interface Mask {
  /** @param isPiece the text may be cut out of a longer one: parts of a value at its ends are masked, too */
  text(text: string, isPiece?: boolean): string
  /** The same of every text in a value, names included. Errors become plain values. What holds nothing secret is given back as it is. */
  value<T>(value: T): T
  readonly isEmpty: boolean
}

/** @param values in secret, as they were handed over */
export function createMask(values: Iterable<string>): Mask {
  const needles = [...new Set([...values].flatMap(needlesOf).map(folded))].sort((a, b) => b.length - a.length)
  if (needles.length === 0) return nothing

  function text(given: string, isPiece = false): string {
    const searched = folded(given)
    const found: [start: number, end: number][] = []
    for (const needle of needles) {
      if (needle.length > searched.length) continue
      for (let at = searched.indexOf(needle); at !== -1; at = searched.indexOf(needle, at + 1))
        found.push([at, at + needle.length])
    }
    if (isPiece) found.push(...edgesOf(searched))
    return found.length === 0 ? given : without(given, found)
  }

  /** The longest end of a value that the text begins with, and the longest beginning that it ends with. */
  function edgesOf(searched: string): [number, number][] {
    let head = 0
    let tail = 0
    for (const needle of needles) {
      const most = Math.min(needle.length - 1, searched.length)
      for (let length = most; length >= SHORTEST_PIECE && length > head; length--)
        if (searched.startsWith(needle.slice(needle.length - length))) head = length
      for (let length = most; length >= SHORTEST_PIECE && length > tail; length--)
        if (searched.endsWith(needle.slice(0, length))) tail = length
    }
    return [
      ...(head > 0 ? [[0, head] satisfies [number, number]] : []),
      ...(tail > 0 ? [[searched.length - tail, searched.length] satisfies [number, number]] : []),
    ]
  }

  function value(given: unknown, depth: number): unknown {
    if (typeof given === 'string') return text(given, given.length > LONGEST_WHOLE)
    if (typeof given !== 'object' || given === null) return given
    if (depth > DEEPEST) return MASK
    if (Array.isArray(given)) {
      const masked = given.map((one) => value(one, depth + 1))
      return masked.some((one, index) => one !== given[index]) ? masked : given
    }
    if (given instanceof Error) return value(plainError(given), depth + 1)
    if (ArrayBuffer.isView(given) || given instanceof Date) return given
    let isChanged = false
    const masked: [string, unknown][] = []
    for (const [name, one] of Object.entries(given)) {
      const entry: [string, unknown] = [text(name), value(one, depth + 1)]
      if (entry[0] !== name || entry[1] !== one) isChanged = true
      masked.push(entry)
    }
    return isChanged ? Object.fromEntries(masked) : given
  }

  return { text, value: <T>(given: T) => value(given, 0) as T, isEmpty: false }
}

/** The mask of who was handed nothing. */
export const nothing: Mask = { text: (text) => text, value: (value) => value, isEmpty: true }

function plainError(error: Error): Record<string, unknown> {
  const { name, message, stack, cause } = error
  return { ...error, type: name, message, ...(stack ? { stack } : {}), ...(cause === undefined ? {} : { cause }) }
}

/** Capitals and small letters as one, of the same length: what a template filter changed is found, too. */
function folded(text: string): string {
  const lower = text.toLowerCase()
  if (lower.length === text.length) return lower
  return Array.from({ length: text.length }, (_, index) => {
    const one = text.charAt(index).toLowerCase()
    return one.length === 1 ? one : text.charAt(index)
  }).join('')
}

function without(text: string, found: [start: number, end: number][]): string {
  found.sort((one, other) => one[0] - other[0] || other[1] - one[1])
  let masked = ''
  let at = 0
  for (const [start, end] of found) {
    if (end <= at) continue
    masked += start >= at ? text.slice(at, start) + MASK : ''
    at = end
  }
  return masked + text.slice(at)
}
