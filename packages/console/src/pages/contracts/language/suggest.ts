import type { JsonSchema, Selector } from '@lictor/contracts/authoring'
import { ITEM, type Place, placeAt, type Step } from './place.ts'
import {
  type Allowed,
  allowedAt,
  describedBy,
  formOf,
  isCondition,
  isRequired,
  isSingle,
  keysOf,
  wordsOf,
} from './schema.ts'

/** What this server has seen, to be written by name. */
export interface Seen {
  readonly tools: readonly SeenTool[]
  readonly environments: readonly string[]
  readonly bundles: readonly string[]
  /** Names of the arguments of the newest recorded call of a tool. */
  readonly argumentsOf: (tool: string) => Promise<readonly string[]>
}

export interface SeenTool {
  readonly name: string
  readonly calls: number
  /** Who calls it though no contract names it. */
  readonly ungovernedFor: readonly string[]
}

/** The language, as `@lictor/contracts/authoring` has it. */
export interface Language {
  readonly schema: JsonSchema
  readonly selectors: readonly Selector[]
}

export interface Suggestion {
  readonly label: string
  readonly insert: string
  readonly kind: 'key' | 'operator' | 'selector' | 'word' | 'tool' | 'seen'
  /** A word or two beside it. */
  readonly detail?: string
  /** A sentence about it. */
  readonly info?: string
  /** Higher ones stand first. */
  readonly boost: number
  /** The list goes on with what comes next. */
  readonly goesOn?: boolean
}

export interface Suggestions {
  readonly from: number
  readonly options: readonly Suggestion[]
}

/**
 * What may be written at an offset of a bundle: keys and words of the language, tools and environments that were seen, selectors
 * with the arguments that the tool was really called with. Null where nothing is offered.
 */
export async function suggest(
  text: string,
  offset: number,
  language: Language,
  seen: Seen,
): Promise<Suggestions | null> {
  const place = placeAt(text, offset)
  if (!place) return null
  const braces = /\{([\w.]*)$/.exec(place.written)
  const key = place.path.at(-1)
  if (place.what === 'value' && key === 'message') {
    if (!braces) return null
    const options = (await selectorsAt(place, language, seen)).map((one) => ({
      ...one,
      insert: one.goesOn ? one.insert : `${one.insert}}`,
    }))
    return { from: offset - (braces[1]?.length ?? 0), options }
  }
  const allowed = allowedAt(language.schema, place)
  const options =
    place.what === 'value' ? valuesAt(place, allowed, seen) : await entriesAt(place, allowed, language, seen)
  return options.length === 0 ? null : { from: place.from, options }
}

/** What may stand after a key, on its line. */
function valuesAt(place: Place, allowed: Allowed, seen: Seen): readonly Suggestion[] {
  const quoted = place.quote !== null
  const words = quoted && place.written === '' ? [] : wordsOf(allowed)
  return [
    ...words.map((word): Suggestion => ({ label: word, insert: word, kind: 'word', boost: 2 })),
    ...named(place, seen),
  ]
}

/** What a value or an item may name of what was seen. */
function named(place: Place, seen: Seen): readonly Suggestion[] {
  const keys = place.path.filter((step) => step !== ITEM) as readonly string[]
  const last = keys.at(-1)
  const inner = place.path.at(-1) === ITEM
  const quote = place.quote !== null
  if (
    last === 'tool' ||
    (inner && last === 'tools') ||
    (keys.length > 1 &&
      keys.at(-2) === 'tool.name' &&
      /^(?:equals|not_equals|in|not_in|contains|starts_with|ends_with)$/.test(last ?? ''))
  )
    return seen.tools.map((tool) => toolNamed(tool, quote))
  if (last === 'environment' || keys.at(-2) === 'environment')
    return seen.environments.map((env) => ({
      label: env,
      insert: quote ? env : plain(env),
      kind: 'seen',
      detail: 'seen',
      boost: 1,
    }))
  if (last === 'name' && keys.at(-2) === 'metadata')
    return seen.bundles.map((name) => ({
      label: name,
      insert: quote ? name : plain(name),
      kind: 'seen',
      detail: 'bundle',
      info: 'Uploaded under this name it is a new version of that bundle.',
      boost: 1,
    }))
  return []
}

function toolNamed({ name, calls, ungovernedFor }: SeenTool, isQuoted: boolean): Suggestion {
  const isUngoverned = ungovernedFor.length > 0
  return {
    label: name,
    insert: isQuoted ? name : plain(name),
    kind: 'tool',
    detail: isUngoverned ? 'ungoverned' : calls === 1 ? '1 call' : `${calls} calls`,
    info: isUngoverned
      ? `Called by ${ungovernedFor.slice(0, 5).join(', ')}; no contract names it.`
      : 'A tool that agents called.',
    boost: isUngoverned ? 2 : 1,
  }
}

/** What an entry of a mapping, or an item of a list, may be. */
async function entriesAt(
  place: Place,
  allowed: Allowed,
  language: Language,
  seen: Seen,
): Promise<readonly Suggestion[]> {
  const there = place.beside.at(-1) ?? new Map<string, string>()
  const keys = keysOf(allowed)
  if (isSingle(allowed) && there.size > 0) return []
  const inner = place.path.at(-1) === ITEM
  if (keys.size === 0) {
    if (isNamesOfTools(place.path))
      return seen.tools.map((tool) => keyed(toolNamed(tool, false), place, toolForm(place.path)))
    return inner ? valuesAt(place, allowed, seen) : []
  }
  const condition = isCondition(language.schema, allowed)
  const operator = !condition && isSingle(allowed)
  const own = [...keys]
    .filter(([name]) => !there.has(name))
    .map(([name, schemas]): Suggestion => {
      const info = describedBy(language.schema, schemas)
      const required = isRequired(allowed, name)
      return {
        label: name,
        insert: keyText(name, place, formOf(language.schema, schemas)),
        kind: operator ? 'operator' : 'key',
        ...(required && !operator && !condition ? { detail: 'required' } : {}),
        ...(info ? { info } : {}),
        boost: condition ? -1 : required ? 1 : 0,
        goesOn: true,
      }
    })
  if (!condition) return own
  const selectors = await selectorsAt(place, language, seen)
  return [...own, ...selectors.map((one) => (one.goesOn ? one : { ...keyed(one, place, 'mapping'), goesOn: true }))]
}

const isNamesOfTools = (path: readonly Step[]) =>
  (path.length === 1 && path[0] === 'tools') || path.at(-1) === 'max_calls_per_tool'
const toolForm = (path: readonly Step[]) => (path.at(-1) === 'max_calls_per_tool' ? 'plain' : 'mapping')

const keyed = (one: Suggestion, place: Place, form: 'mapping' | 'list' | 'plain'): Suggestion => ({
  ...one,
  insert: keyText(one.label, place, form),
})

/** A key with what must follow it: a line further in, a dash, or the rest of its line. */
function keyText(name: string, { isFlow, column, quote }: Place, form: 'mapping' | 'list' | 'plain'): string {
  const key = quote ? name : plain(name)
  if (isFlow || form === 'plain') return `${key}: `
  const inner = `\n${' '.repeat(column + 2)}`
  return `${key}:${inner}${form === 'list' ? '- ' : ''}`
}

/** Selectors that the contract at the place can see, those of arguments by the names that calls of its tool had. */
async function selectorsAt(place: Place, { selectors }: Language, seen: Seen): Promise<readonly Suggestion[]> {
  const contract = contractAt(place)
  const type = contract?.get('type')
  const tool = contract?.get('tool')
  const names = tool ? await seen.argumentsOf(tool) : []
  const isPost = type === 'post'
  return [
    ...names.map(
      (name): Suggestion => ({
        label: `args.${name}`,
        insert: `args.${name}`,
        kind: 'selector',
        detail: 'seen',
        info: `An argument of the newest recorded call of ${tool}.`,
        boost: 2,
      }),
    ),
    ...selectors
      .filter(({ types }) => (isPost ? types.includes('post') : types.includes('pre')))
      .map(({ name, description }): Suggestion => {
        const goesOn = name.endsWith('.')
        return {
          label: name,
          insert: name,
          kind: 'selector',
          info: description,
          boost: goesOn ? 0 : 1,
          ...(goesOn ? { goesOn } : {}),
        }
      }),
  ]
}

/** The plain values of the contract that a place is in. */
function contractAt({ path, beside }: Place): ReadonlyMap<string, string> | null {
  const at = path.findIndex((step, depth) => (step === 'contracts' || step === 'rules') && path[depth + 1] === ITEM)
  return at === -1 ? null : (beside[at + 2] ?? null)
}

/** Quoted where YAML would read it as something else. */
const plain = (text: string) =>
  /^[A-Za-z_][\w./-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text)

/** What the language says of the key that stands at an offset, and where that key is; null where it says nothing. */
export function explainedAt(
  text: string,
  offset: number,
  { schema, selectors }: Language,
): { readonly from: number; readonly to: number; readonly name: string; readonly text: string } | null {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const line = text.slice(start, (text.indexOf('\n', offset) + text.length + 1) % (text.length + 1) || text.length)
  const word = [...line.matchAll(/[A-Za-z_][\w.]*/g)].find(
    ({ index, 0: found }) => start + index <= offset && offset <= start + index + found.length,
  )
  if (!word) return null
  const from = start + word.index
  const to = from + word[0].length
  const place = placeAt(text, to)
  if (!place || place.from !== from || place.written !== word[0]) return null
  const said = (of: string | null) => (of ? { from, to, name: word[0], text: of } : null)
  const allowed = allowedAt(schema, place)
  if (place.what === 'value') {
    const isWord = wordsOf(allowed).includes(word[0])
    return said(isWord ? describedBy(schema, allowed) : null)
  }
  const own = keysOf(allowed).get(word[0])
  if (own) return said(describedBy(schema, own))
  if (!isCondition(schema, allowed)) return null
  return said(
    selectors.find(({ name }) => (name.endsWith('.') ? word[0].startsWith(name) : name === word[0]))?.description ??
      null,
  )
}
