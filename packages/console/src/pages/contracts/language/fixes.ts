import { type Issue, rangeOf } from '../issues.ts'

/** A change of a text that a message offers. Offsets from 0. */
export interface Fix {
  readonly label: string
  readonly from: number
  readonly to: number
  readonly insert: string
}

/** Each way in which a hint names the one thing that was meant. */
const OFFERS: readonly RegExp[] = [
  /^did you mean '([^']+)'\?$/,
  /^a ContractBundle says '([^']+)';/,
  /^one contract names one tool or glob: use '([^']+)'$/,
  /^use '([a-z.]+)'$/,
  /^put it in quotes: (".*")$/,
]
/** An issue with a selector in braces is placed where its message begins. */
const IN_BRACES = /'\{([^}]+)\}' stays in the message/

/** What the hint of an issue offers to change; null where it offers no one thing. */
export function fixOf(text: string, issue: Issue): Fix | null {
  const { hint, line, message } = issue
  const offered = OFFERS.map((offer) => offer.exec(hint ?? '')?.[1]).find((one) => one !== undefined)
  if (offered === undefined || line === null) return null
  const { from } = rangeOf(text, issue)
  const braces = IN_BRACES.exec(message)?.[1]
  const word = braces === undefined ? wordAt(text, from) : bracedAfter(text, from, braces)
  return word && { label: `Replace with ${offered}`, ...word, insert: offered }
}

type Word = Pick<Fix, 'from' | 'to'>

/** The word at an offset, without the quotes around it. */
function wordAt(text: string, at: number): Word | null {
  const quote = text[at] === '"' || text[at] === "'" ? text[at] : null
  const from = quote ? at + 1 : at
  const found = (quote === '"' ? /^[^"\n]+/ : quote ? /^[^'\n]+/ : /^[^\s:,\]}[{"']+/).exec(text.slice(from))
  return found ? { from, to: from + found[0].length } : null
}

function bracedAfter(text: string, at: number, selector: string): Word | null {
  const found = text.indexOf(`{${selector}}`, at)
  return found === -1 ? null : { from: found + 1, to: found + 1 + selector.length }
}
