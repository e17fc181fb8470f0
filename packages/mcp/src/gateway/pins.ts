import { createHash } from 'node:crypto'
import { isRecord } from './json-text.ts'

/** What a model reads of a tool, and what its arguments and results are: all that may not change behind a person's back. */
const PINNED = ['name', 'title', 'description', 'inputSchema', 'outputSchema', 'annotations'] as const

export interface Pin {
  /** SHA-256 of the tool's definition, in lower-case hex. */
  readonly hash: string
  /** The definition itself, for a person who is to compare. */
  readonly tool: Readonly<Record<string, unknown>>
}

export interface HeldTool extends Pin {
  /** Why, in a sentence. */
  readonly reason: string
}

/** What is known of the tools of one server. */
export interface PinnedTools {
  readonly tools: Readonly<Record<string, Pin>>
  /** Those that were held back when they were last listed. */
  readonly held: Readonly<Record<string, HeldTool>>
}

export interface Examination {
  /** Tools seen for the first time. */
  readonly fresh: Readonly<Record<string, Pin>>
  /** Tools that are held back until a person accepts them. */
  readonly held: Readonly<Record<string, HeldTool>>
  /** Tools that were held back and are what was pinned again. */
  readonly settled: readonly string[]
}

/** Compares what a server lists with what was pinned. Pure: whoever called it keeps what is fresh. */
export function examine(listed: readonly Readonly<Record<string, unknown>>[], pinned: PinnedTools): Examination {
  const { tools } = pinned
  const fresh = new Map<string, Pin>()
  const held = new Map<string, HeldTool>()
  const likenesses = new Map(Object.keys(tools).map((name) => [likenessOf(name), name]))
  for (const tool of listed) {
    const { name } = tool
    if (typeof name !== 'string') continue
    const pin = pinOf(tool)
    const known = Object.hasOwn(tools, name) ? tools[name] : (fresh.get(name) ?? held.get(name))
    if (known?.hash === pin.hash) continue
    const reason =
      known === undefined
        ? oddityOf(tool, name, likenesses)
        : `Its ${changedParts(known.tool, pin.tool)} changed since it was pinned.`
    if (reason !== null) held.set(name, { ...pin, reason })
    else {
      fresh.set(name, pin)
      likenesses.set(likenessOf(name), name)
    }
  }
  const settled = listed.flatMap(({ name }) =>
    typeof name === 'string' && Object.hasOwn(pinned.held, name) && !held.has(name) ? [name] : [],
  )
  return { fresh: Object.fromEntries(fresh), held: Object.fromEntries(held), settled }
}

export function pinOf(tool: Readonly<Record<string, unknown>>): Pin {
  const definition = Object.fromEntries(
    PINNED.flatMap((part) => (tool[part] === undefined ? [] : [[part, tool[part]]])),
  )
  return { hash: createHash('sha256').update(sorted(definition)).digest('hex'), tool: definition }
}

/** The parts in which two definitions differ, in words. */
export function changedParts(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): string {
  const parts = PINNED.filter((part) => sorted(before[part]) !== sorted(after[part]))
  return parts.join(' and ') || 'definition'
}

/** JSON whose names are in order: the same definition in another order is the same. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`
  if (!isRecord(value)) return JSON.stringify(value) ?? 'null'
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${sorted(value[name])}`)
  return `{${members.join(',')}}`
}

/** What keeps a tool that nobody has seen yet from being taken at its word. */
function oddityOf(
  tool: Readonly<Record<string, unknown>>,
  name: string,
  likenesses: ReadonlyMap<string, string>,
): string | null {
  if (/[\u0000-\u001f\u007f-\u009f/\\]/.test(name))
    return "Its name has a control character, '/' or '\\\\' in it: no contract can name it."
  const other = likenesses.get(likenessOf(name))
  if (other !== undefined && other !== name) return `Its name looks like that of the tool '${other}'.`
  if (INVISIBLE.test(sorted(pinOf(tool).tool))) return 'Its definition has characters in it that nobody can see.'
  return null
}

/** Marks that steer the direction of text or stand for nothing, and the invisible alphabet of Unicode's tags. */
const INVISIBLE = /[\u200b\u2060-\u2064\u202a-\u202e\u2066-\u2069]|[\u{e0000}-\u{e007f}]/u

/** Letters of other alphabets by the Latin ones that they are mistaken for. */
const LOOKS_LIKE: Readonly<Record<string, string>> = {
  ...{
    а: 'a',
    в: 'b',
    с: 'c',
    ԁ: 'd',
    е: 'e',
    һ: 'h',
    і: 'i',
    ј: 'j',
    к: 'k',
    ӏ: 'l',
    м: 'm',
    о: 'o',
    р: 'p',
    ѕ: 's',
    т: 't',
  },
  ...{ у: 'y', х: 'x', ѵ: 'v', ԝ: 'w', α: 'a', ε: 'e', ι: 'i', κ: 'k', ν: 'v', ο: 'o', ρ: 'p', τ: 't', υ: 'u', χ: 'x' },
  ...{ ı: 'i', '0': 'o', '1': 'l' },
}

/** The same for names that a reader takes for each other: `read_file`, `readFile` and one with a foreign letter in it. */
function likenessOf(name: string): string {
  const plain = name
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[\s._\-\u200b-\u200f\u2060]/g, '')
  return [...plain].map((letter) => LOOKS_LIKE[letter] ?? letter).join('')
}
