import type { ContractIssue } from '../types.ts'

export type PathPart = string | number

/** A key may be as long as a document; a path is for people. */
const LONGEST_PART = 200

/** `contracts[3].when.any[0]`; keys that are no plain word stand in brackets. */
export function pathText(parts: readonly PathPart[]): string {
  let text = ''
  for (const whole of parts) {
    const part = typeof whole === 'string' && whole.length > LONGEST_PART ? `${whole.slice(0, LONGEST_PART)}…` : whole
    if (typeof part === 'number') text += `[${part}]`
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(part)) text += text === '' ? part : `.${part}`
    else text += `[${JSON.stringify(part)}]`
  }
  return text
}

/** Turns offsets into lines and columns, both from 1. Columns count characters, not UTF-16 units. */
export class Places {
  readonly #text: string | null
  #starts: number[] | undefined
  /** Where the last column was counted to: a document may be one long line with many issues. */
  #last = { start: -1, offset: 0, column: 1 }

  constructor(text: string | null) {
    this.#text = text
  }

  #column(text: string, start: number, offset: number): number {
    const last = this.#last
    let { offset: at, column } = last.start === start && last.offset <= offset ? last : { offset: start, column: 1 }
    for (; at < offset; at++) {
      const unit = text.charCodeAt(at)
      if (unit < 0xdc00 || unit > 0xdfff) column++
    }
    this.#last = { start, offset, column }
    return column
  }

  of(offset: number): { line: number | null; column: number | null } {
    const text = this.#text
    if (text === null || offset < 0) return { line: null, column: null }
    this.#starts ??= lineStarts(text)
    let low = 0
    let high = this.#starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#starts[middle] as number) <= offset) low = middle
      else high = middle - 1
    }
    const start = this.#starts[low] as number
    return { line: low + 1, column: this.#column(text, start, offset) }
  }
}

function lineStarts(text: string): number[] {
  const starts = [text.charCodeAt(0) === 0xfeff ? 1 : 0]
  const breaks = /\r\n|[\n\r\x85\u2028\u2029]/g
  for (let found = breaks.exec(text); found !== null; found = breaks.exec(text)) starts.push(breaks.lastIndex)
  return starts
}

export function issue(
  code: string,
  path: string,
  place: ReturnType<Places['of']>,
  message: string,
  hint?: string,
): ContractIssue {
  return Object.freeze({ code, path, ...place, message, ...(hint === undefined ? {} : { hint }) })
}

/** The known word closest to what was written, if it is close enough to be a slip. */
export function nearest(written: string, known: Iterable<string>): string | null {
  let best: string | null = null
  let least = Math.max(1, Math.floor(written.length / 3)) + 1
  for (const word of known) {
    if (Math.abs(word.length - written.length) >= least) continue
    const distance = editDistance(written.toLowerCase(), word)
    if (distance < least) {
      least = distance
      best = word
    }
  }
  return best
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min((last[j] as number) + 1, (row[j - 1] as number) + 1, (last[j - 1] as number) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (beforeLast[j - 2] as number) + 1)
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] as number
}
