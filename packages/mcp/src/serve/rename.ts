import { isRecord, itemsOf, membersOf, respelled, type Span, spliced } from '../gateway/json-text.ts'
import type { Message } from '../gateway/message.ts'

/** A list of the protocol, by the request that asks for it. */
export interface ListKind {
  readonly method: string
  /** The member of the result that holds the items. */
  readonly items: string
  /** The member of an item that names it. */
  readonly key: string
  /** The capability without which a server has no such list. */
  readonly capability: string
}

export const LISTS: Readonly<Record<string, ListKind>> = Object.fromEntries(
  [
    { method: 'tools/list', items: 'tools', key: 'name', capability: 'tools' },
    { method: 'prompts/list', items: 'prompts', key: 'name', capability: 'prompts' },
    { method: 'resources/list', items: 'resources', key: 'uri', capability: 'resources' },
    { method: 'resources/templates/list', items: 'resourceTemplates', key: 'uriTemplate', capability: 'resources' },
  ].map((kind) => [kind.method, kind]),
)

/**
 * The items of a page, each as it was written but for its name.
 * @param rename null leaves the item out
 */
export function renamedItems(
  page: Message,
  { items, key }: ListKind,
  rename: (own: string) => string | null,
): string[] {
  const { result } = page.value
  const listed: unknown = isRecord(result) ? result[items] : undefined
  if (!Array.isArray(listed)) return []
  const span = membersOf(page.text, page.members.get('result')?.start).get(items) as Span
  return itemsOf(page.text, span.start).flatMap(({ start }, index) => {
    const item: unknown = listed[index]
    const own = isRecord(item) ? item[key] : undefined
    const published = typeof own === 'string' ? rename(own) : null
    return published === null ? [] : [respelled(page.text, start, { ...(item as object), [key]: published })]
  })
}

/** Where resources are named in what an upstream says: links and embedded resources of results, prompts and readings. */
export function renameResources(value: unknown, rename: (own: string) => string): unknown {
  if (!isRecord(value)) return value
  const changed: Record<string, unknown> = {}
  if (Array.isArray(value.content)) changed.content = value.content.map((block) => renamedBlock(block, rename))
  if (Array.isArray(value.contents)) changed.contents = value.contents.map((one) => renamedUri(one, rename))
  if (Array.isArray(value.messages))
    changed.messages = value.messages.map((message) =>
      isRecord(message) ? { ...message, content: renamedBlock(message.content, rename) } : message,
    )
  return { ...value, ...changed }
}

function renamedBlock(block: unknown, rename: (own: string) => string): unknown {
  if (!isRecord(block)) return block
  if (block.type === 'resource_link') return renamedUri(block, rename)
  return isRecord(block.resource) ? { ...block, resource: renamedUri(block.resource, rename) } : block
}

function renamedUri(one: unknown, rename: (own: string) => string): unknown {
  return isRecord(one) && typeof one.uri === 'string' ? { ...one, uri: rename(one.uri) } : one
}

/** Where a member stands: `['params', 'name']` is a path. @throws AmbiguousText where a name on the way occurs twice */
export function spanAt({ text, members }: Message, [first = '', ...rest]: readonly string[]): Span | undefined {
  let span = members.get(first)
  for (const name of rest) span = span && text[span.start] === '{' ? membersOf(text, span.start).get(name) : undefined
  return span
}

/** The message with other texts in the place of some of its members. Missing ones are left. @throws AmbiguousText */
export function withMembers(message: Message, changes: readonly (readonly [readonly string[], string])[]): string {
  const spans = changes.flatMap(([path, by]): [Span, string][] => {
    const span = spanAt(message, path)
    return span === undefined ? [] : [[span, by]]
  })
  return spliced(message.text, spans)
}

/** The message with this id in the place of its own; `id` is JSON text. */
export const withId = (message: Message, id: string): string =>
  spliced(message.text, [[message.members.get('id') as Span, id]])

/** The message with another result or other parameters, spelled as they were wherever they say the same. */
export function withValue(message: Message, part: 'params' | 'result', value: unknown): string {
  const span = message.members.get(part)
  if (span === undefined || value === message.value[part]) return message.text
  return spliced(message.text, [[span, respelled(message.text, span.start, value)]])
}

/** The request with more in `_meta` of its parameters; the rest stays as it was written. */
export function withMeta(message: Message, more: object): string {
  const { text } = message
  const params = message.members.get('params')
  if (params === undefined || text[params.start] !== '{') {
    const end = text.lastIndexOf('}')
    return `${text.slice(0, end)},"params":{"_meta":${JSON.stringify(more)}}}`
  }
  const members = membersOf(text, params.start)
  const own = members.get('_meta')
  if (own !== undefined) {
    const before: unknown = JSON.parse(text.slice(own.start, own.end))
    return spliced(text, [[own, JSON.stringify({ ...(isRecord(before) ? before : {}), ...more })]])
  }
  const place = { start: params.start, end: params.start + 1 }
  return spliced(text, [[place, `{"_meta":${JSON.stringify(more)}${members.size === 0 ? '' : ','}`]])
}
