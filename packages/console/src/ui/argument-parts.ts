import { type Language, languageOf } from './highlight.ts'

export type View = 'table' | 'text' | 'raw'
export const VIEWS: readonly View[] = ['table', 'text', 'raw']

interface Named {
  readonly name: string
  readonly text: string
}

/** One argument, decoded; or two that say together what an edit replaces. */
export type ArgumentPart =
  | (Named & { readonly kind: 'value'; readonly type: string; readonly language: Language })
  | { readonly kind: 'edit'; readonly name: string; readonly before: Named; readonly after: Named }

/** Names under which tools take the text to replace, and its replacement. */
const EDITS: readonly (readonly [string, string])[] = [
  ['old_string', 'new_string'],
  ['old_str', 'new_str'],
  ['old_text', 'new_text'],
  ['oldText', 'newText'],
  ['search', 'replace'],
  ['before', 'after'],
]

/** The arguments in their order; an edit stands where its first half stood. Nothing is left out. */
export function partsOf(value: Readonly<Record<string, unknown>>): readonly ArgumentPart[] {
  const edits = EDITS.filter(([before, after]) => typeof value[before] === 'string' && typeof value[after] === 'string')
  return Object.entries(value).flatMap(([name, argument]): readonly ArgumentPart[] => {
    if (edits.some(([, after]) => after === name)) return []
    const edit = edits.find(([before]) => before === name)
    if (edit) {
      const [before, after] = edit
      return [
        {
          kind: 'edit',
          name,
          before: { name: before, text: String(value[before]) },
          after: { name: after, text: String(value[after]) },
        },
      ]
    }
    if (typeof argument === 'string')
      return [{ kind: 'value', name, type: 'text', text: argument, language: languageOf(name, argument) }]
    const text = JSON.stringify(argument, null, 2) ?? String(argument)
    return [{ kind: 'value', name, type: typeOf(argument), text, language: 'json' }]
  })
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  return typeof value
}

/** A table reads best for short values; what has lines, is code, or is an edit, is shown as text. */
export const startingView = (parts: readonly ArgumentPart[]): View =>
  parts.some(
    (part) => part.kind === 'edit' || (part.type === 'text' && (part.language !== 'plain' || /\n/.test(part.text))),
  )
    ? 'text'
    : 'table'

/** Characters of a value that needs no box of its own. */
const SHORT = 80

/** Whether a line of a table is enough, so that all there is to read stays together. */
export const isShort = (part: ArgumentPart): boolean =>
  part.kind === 'value' &&
  part.text.length <= SHORT &&
  !part.text.includes('\n') &&
  (part.type !== 'text' || part.language === 'plain')

/** The arguments in their order: short ones that follow each other together, every other by itself. */
export function stretchesOf(parts: readonly ArgumentPart[]): readonly (readonly [ArgumentPart, ...ArgumentPart[]])[] {
  const stretches: [ArgumentPart, ...ArgumentPart[]][] = []
  for (const part of parts) {
    const last = stretches.at(-1)
    if (last && isShort(part) && isShort(last[0])) last.push(part)
    else stretches.push([part])
  }
  return stretches
}
