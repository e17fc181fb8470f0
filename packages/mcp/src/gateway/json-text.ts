/**
 * JSON as it was written. A gateway judges what a text says and hands on the text itself: parsing and writing anew would change
 * integers beyond 2^53 and the spelling of numbers. All of these take text that `JSON.parse` has taken.
 */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A text that different readers read differently, such as an object with one name twice. */
export class AmbiguousText extends Error {
  override readonly name = 'AmbiguousText'
}

const MAX_DEPTH = 500
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** The values of an object by name. @throws AmbiguousText when a name occurs twice */
export function membersOf(text: string, start = 0): Map<string, Span> {
  const members = new Map<string, Span>()
  eachMember(text, start, (name, value) => {
    if (members.has(name)) throw new AmbiguousText(`The member ${JSON.stringify(name)} occurs twice.`)
    members.set(name, value)
  })
  return members
}

/** The values of an array. */
export function itemsOf(text: string, start: number): Span[] {
  const items: Span[] = []
  let at = skipSpace(text, skipSpace(text, start) + 1)
  while (text[at] !== ']') {
    const end = endOfValue(text, at)
    items.push({ start: at, end })
    at = skipSpace(text, end)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return items
}

/**
 * @returns the members of the value where it is an object
 * @throws AmbiguousText when any object in the value has a name twice, or it is nested too deeply to be looked at
 */
export function checkUnambiguous(text: string, start = 0): Map<string, Span> | null {
  const at = skipSpace(text, start)
  const first = text[at]
  if (first === '{' || first === '[') lookThrough(text, at)
  return first === '{' ? membersOf(text, at) : null
}

/** Why two readers may see different things in a text, or none can look at it; null where that is not so. */
export function ambiguityOf(text: string): string | null {
  try {
    checkUnambiguous(text)
    return null
  } catch (error) {
    if (!(error instanceof AmbiguousText)) throw error
    return error.message
  }
}

/** Once over the text, however deep it is: an answer may have megabytes. @throws AmbiguousText */
function lookThrough(text: string, start: number): void {
  /** The names of each object that is open; null for an array. */
  const open: (Set<string> | null)[] = []
  let isName = false
  for (let at = start; ; at++) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) {
      const end = endOfString(text, at)
      const names = open.at(-1)
      if (isName && names) {
        const name = nameIn(text.slice(at + 1, end - 1))
        if (names.has(name)) throw new AmbiguousText(`The member ${JSON.stringify(name)} occurs twice.`)
        names.add(name)
      }
      isName = false
      at = end - 1
    } else if (unit === 0x7b || unit === 0x5b) {
      if (open.length > MAX_DEPTH) throw new AmbiguousText(`It is nested deeper than ${MAX_DEPTH} levels.`)
      isName = unit === 0x7b
      open.push(isName ? new Set() : null)
    } else if (unit === 0x7d || unit === 0x5d) {
      open.pop()
      if (open.length === 0) return
    } else if (unit === 0x2c) isName = open.at(-1) !== null
  }
}

/** The value with integers beyond 2^53 in all their digits, as `bigint`. */
export function parseExact(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text)
  const exact = (_key: string, value: unknown, { source }: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source)
      ? BigInt(source)
      : value
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown)
}

/** The text of `value`, spelled as it is at `start` of `text` wherever it says the same. */
export function respelled(text: string, start: number, value: unknown): string {
  const at = skipSpace(text, start)
  const end = endOfValue(text, at)
  const first = text[at]
  if (first === '{' && isRecord(value)) {
    const spans: [string, Span][] = []
    eachMember(text, at, (name, span) => spans.push([name, span]))
    const names = Object.keys(value)
    if (spans.length === names.length && spans.every(([name]) => Object.hasOwn(value, name)))
      return pieced(text, at, end, spans, (name) => value[name])
  }
  if (first === '[' && Array.isArray(value)) {
    const items = itemsOf(text, at)
    if (items.length === value.length)
      return pieced(
        text,
        at,
        end,
        items.map((span, index) => [index, span]),
        (index) => value[index],
      )
  }
  const source = text.slice(at, end)
  const isSame = first !== '{' && first !== '[' && Object.is(JSON.parse(source), value)
  return isSame ? source : (JSON.stringify(value) ?? 'null')
}

function pieced<Key>(
  text: string,
  start: number,
  end: number,
  spans: readonly (readonly [Key, Span])[],
  memberOf: (key: Key) => unknown,
): string {
  let result = ''
  let at = start
  for (const [key, span] of spans) {
    result += text.slice(at, span.start) + respelled(text, span.start, memberOf(key))
    at = span.end
  }
  return result + text.slice(at, end)
}

/** The text with other texts in the place of some of its values. */
export function spliced(text: string, changes: readonly (readonly [Span, string])[]): string {
  let result = ''
  let at = 0
  for (const [{ start, end }, by] of [...changes].sort(([a], [b]) => a.start - b.start)) {
    result += text.slice(at, start) + by
    at = end
  }
  return result + text.slice(at)
}

/** Names that some readers take for the same have the same: Go's, for example, whose `K` is also the sign of Kelvin. */
export function folded(name: string): string {
  return name.toLowerCase().toUpperCase()
}

/** A copy in which every string is what `change` makes of it; the value itself where none changes. */
export function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) {
    const items = value.map((item) => mapStrings(item, change))
    return items.some((item, index) => item !== value[index]) ? items : value
  }
  if (!isRecord(value)) return value
  let isChanged = false
  const entries = Object.entries(value).map(([name, member]) => {
    const mapped = mapStrings(member, change)
    if (mapped !== member) isChanged = true
    return [name, mapped] as const
  })
  return isChanged ? Object.fromEntries(entries) : value
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const nameIn = (raw: string): string => (raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw)

function eachMember(text: string, start: number, take: (name: string, value: Span) => void): void {
  let at = skipSpace(text, skipSpace(text, start) + 1)
  while (text[at] !== '}') {
    const nameEnd = endOfString(text, at)
    const name = nameIn(text.slice(at + 1, nameEnd - 1))
    const valueStart = skipSpace(text, skipSpace(text, nameEnd) + 1)
    const valueEnd = endOfValue(text, valueStart)
    take(name, { start: valueStart, end: valueEnd })
    at = skipSpace(text, valueEnd)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
}

function skipSpace(text: string, from: number): number {
  let at = from
  for (let unit = text.charCodeAt(at); unit === 0x20 || (unit >= 0x09 && unit <= 0x0d); unit = text.charCodeAt(at)) at++
  return at
}

function endOfString(text: string, start: number): number {
  for (let from = start + 1; ; ) {
    const quote = text.indexOf('"', from)
    let before = quote
    while (text.charCodeAt(before - 1) === BACKSLASH) before--
    if ((quote - before) % 2 === 0) return quote + 1
    from = quote + 1
  }
}

function endOfValue(text: string, start: number): number {
  const first = text[start]
  if (first === '"') return endOfString(text, start)
  if (first !== '{' && first !== '[') {
    let at = start
    while (at < text.length && !/[\s,\]}]/.test(text[at] as string)) at++
    return at
  }
  let depth = 0
  for (let at = start; ; ) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) {
      at = endOfString(text, at)
      continue
    }
    if (unit === 0x7b || unit === 0x5b) depth++
    else if (unit === 0x7d || unit === 0x5d) depth--
    at++
    if (depth === 0) return at
  }
}
