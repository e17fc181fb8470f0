import { isRecord, itemsOf, mapStrings, membersOf, respelled, type Span, spliced } from './json-text.ts'
import type { Message } from './message.ts'
import { type Examination, examine, type PinnedTools } from './pins.ts'
import type { Upstream } from './upstream.ts'

/** Where it is kept which tools a person has seen. */
export interface PinStore {
  read(): PinnedTools
  /** What was found that is new. @throws when it cannot be kept */
  keep(found: Examination): void
}

export type Found =
  | { readonly kind: 'tool'; readonly tool: Readonly<Record<string, unknown>> }
  | { readonly kind: 'held'; readonly reason: string }
  | { readonly kind: 'unknown' }

/** The tools of one server, as far as they were listed and a person has seen them. */
export interface Catalogue {
  /** What a client is shown of the server's answer to `tools/list`: its text, as the server wrote it where nothing is held back. */
  shown(answer: Message): string
  /** A tool that may be called. Lists the tools first where this one was not listed. */
  find(name: string): Promise<Found>
  /** The server says that its tools are others now. */
  changed(): void
}

const MOST_PAGES = 64
/** How often a list that changes while it is listed is listed anew for one call. */
const MOST_LISTS = 3

export function createCatalogue(deps: {
  readonly pins: PinStore
  readonly upstream: Upstream
  readonly redact: (text: string) => string
  /** Beside the parameters of a request of the gateway's own: what the newer era wants with each. */
  readonly meta: () => object
  readonly note: (line: string) => void
}): Catalogue {
  const { pins, upstream, redact, note } = deps
  const known = new Map<string, Readonly<Record<string, unknown>>>()
  const held = new Map<string, string>()
  const told = new Set<string>()
  let isStale = true
  /** How often the server has said that its tools are others. */
  let changes = 0
  let listing: Promise<void> | null = null

  /** Judges a page of the list. @returns the names that are held back */
  function take(tools: readonly unknown[]): Set<string> {
    const listed = tools.filter(isRecord)
    const found = examine(listed, pins.read())
    const isNew = Object.keys(found.fresh).length + Object.keys(found.held).length + found.settled.length > 0
    if (isNew) pins.keep(found)
    const back = new Set<string>()
    for (const tool of listed) {
      const name = String(tool.name)
      const reason = Object.hasOwn(found.held, name) ? found.held[name]?.reason : undefined
      if (reason === undefined) {
        known.set(name, tool)
        held.delete(name)
        continue
      }
      known.delete(name)
      held.set(name, reason)
      back.add(name)
      if (!told.has(name + reason)) note(`The tool '${name}' is held back until a person accepts it. ${reason}`)
      told.add(name + reason)
    }
    return back
  }

  /** Every page, once at a time. Callers that come meanwhile wait for the same list. */
  function list(): Promise<void> {
    listing ??= listAll().finally(() => {
      listing = null
    })
    return listing
  }

  async function listAll(): Promise<void> {
    const before = changes
    known.clear()
    held.clear()
    const seen = new Set<unknown>()
    let cursor: unknown
    for (let page = 0; page < MOST_PAGES; page++) {
      const { value } = await upstream.ask('tools/list', {
        ...(cursor === undefined ? {} : { cursor }),
        ...deps.meta(),
      })
      if (!isRecord(value.result)) break
      take(Array.isArray(value.result.tools) ? value.result.tools : [])
      cursor = value.result.nextCursor
      if (typeof cursor !== 'string' || seen.has(cursor)) break
      seen.add(cursor)
    }
    // What changed while it was listed is listed again.
    isStale = before !== changes
  }

  function look(name: string): Found {
    const reason = held.get(name)
    if (reason !== undefined) return { kind: 'held', reason }
    const tool = known.get(name)
    return tool === undefined ? { kind: 'unknown' } : { kind: 'tool', tool }
  }

  return {
    shown(answer) {
      const { result } = answer.value
      if (!isRecord(result) || !Array.isArray(result.tools)) return answer.text
      const back = take(result.tools)
      const members = membersOf(answer.text, answer.members.get('result')?.start)
      const span = members.get('tools') as Span
      const tools = result.tools.map((tool: unknown) => mapStrings(tool, redact))
      if (back.size === 0 && tools.every((tool, index) => tool === (result.tools as unknown[])[index]))
        return answer.text
      const texts = itemsOf(answer.text, span.start).flatMap(({ start }, index) => {
        const tool: unknown = tools[index]
        return isRecord(tool) && back.has(String(tool.name)) ? [] : [respelled(answer.text, start, tool)]
      })
      const changes: [Span, string][] = [[span, `[${texts.join(',')}]`]]
      // What was left out for this client may not be kept and shown to others.
      const ttl = members.get('ttlMs')
      const scope = members.get('cacheScope')
      if (ttl) changes.push([ttl, '0'])
      if (scope) changes.push([scope, '"private"'])
      return spliced(answer.text, changes)
    },
    async find(name) {
      if (!isStale && look(name).kind === 'tool') return look(name)
      for (let tries = 0; tries < MOST_LISTS; tries++) {
        await list()
        if (!isStale) return look(name)
      }
      return { kind: 'held', reason: 'The tools of its server change all the time.' }
    },
    changed() {
      changes++
      isStale = true
    },
  }
}
