/** One step from the document down to a place: a key, or an item of a list. */
export type Step = string | typeof ITEM
export const ITEM: unique symbol = Symbol('item')

/** Where in a bundle something is being written. Found line by line, because a text that is being written seldom parses. */
export interface Place {
  /** The keys and items that lead to the mapping or list it is written in; for a value, its key is the last. */
  readonly path: readonly Step[]
  /** For each depth of `path`, and for where it ends, the plain values written beside it by their keys. */
  readonly beside: readonly ReadonlyMap<string, string>[]
  /** A key, or the whole item of a list; or what stands after a key. */
  readonly what: 'key' | 'value'
  /** Offset at which the word begins that is being written, and all of it up to the cursor. */
  readonly from: number
  readonly written: string
  /** It stands in `{…}` or `[…]`. */
  readonly isFlow: boolean
  /** The quote that is open, if any. */
  readonly quote: '"' | "'" | null
  /** Column of the mapping or list it is written in. */
  readonly column: number
}

type Token =
  | { readonly kind: 'dash'; readonly column: number }
  | { readonly kind: 'key'; readonly column: number; readonly key: string; readonly at: number; readonly value: string }

const KEY = /^(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|([^\s#"'[\]{},&!|>%@`][^#:]*?))\s*:(?=\s|$)/
/** Lines that one value in brackets may have. */
const LONGEST_FLOW = 60

/** @param offset of the cursor; null for a place where nothing is offered, such as a comment */
export function placeAt(text: string, offset: number): Place | null {
  const lines = text.split('\n')
  const { row, start } = rowOf(lines, offset)
  const line = lines[row] ?? ''
  const before = line.slice(0, offset - start)
  if (isComment(before)) return null
  const block = blockScalarAt(lines, row)
  if (block) {
    const written = before.slice(Math.min(before.length, block.column + 2))
    return {
      ...ancestors(lines, block.row, block.column, [block.key]),
      what: 'value',
      written,
      from: offset - written.length,
      isFlow: false,
      quote: null,
      column: block.column,
    }
  }
  const flow = flowAt(lines, row, before)
  if (flow) {
    const inside = insideOf(flow.text)
    if (inside) {
      const above = ancestors(lines, flow.row, flow.column, flow.key === null ? [] : [flow.key], flow.dashes)
      return {
        path: [...above.path, ...inside.path],
        beside: [...above.beside.slice(0, -1), ...inside.beside],
        what: inside.what,
        written: inside.written,
        from: offset - inside.written.length,
        isFlow: true,
        quote: inside.quote,
        column: flow.column,
      }
    }
  }
  const tokens = tokensOf(line)
  const key = tokens.find((one) => one.kind === 'key')
  if (key?.kind === 'key' && KEY.test(before.slice(key.column))) {
    const value = before.slice(key.at).replace(/^\s+/, '')
    const quote = value.startsWith('"') ? '"' : value.startsWith("'") ? "'" : null
    const written = quote ? value.slice(1) : value
    const dashes = tokens.flatMap((one) => (one.kind === 'dash' ? [one.column] : []))
    return {
      ...ancestors(lines, row, key.column, [key.key], dashes),
      what: 'value',
      written,
      from: offset - written.length,
      isFlow: false,
      quote,
      column: key.column,
    }
  }
  const dashes = dashesOf(before)
  const bare = before.replace(/^[\s]*(?:-\s+)*/, '')
  const quote = bare.startsWith('"') ? '"' : bare.startsWith("'") ? "'" : null
  const written = quote ? bare.slice(1) : bare
  const column = before.length - bare.length
  return {
    ...ancestors(lines, row, column, [], dashes),
    what: 'key',
    written,
    from: offset - written.length,
    isFlow: false,
    quote,
    column,
  }
}

function rowOf(lines: readonly string[], offset: number): { row: number; start: number } {
  let start = 0
  for (const [row, line] of lines.entries()) {
    if (offset <= start + line.length) return { row, start }
    start += line.length + 1
  }
  return { row: lines.length - 1, start: start - (lines.at(-1)?.length ?? 0) - 1 }
}

/** A `#` that begins a comment stands first, or after a blank, outside of quotes. */
function isComment(before: string): boolean {
  let quote: string | null = null
  for (const [index, sign] of [...before].entries()) {
    if (quote) quote = sign === quote ? null : quote
    else if ((sign === '"' || sign === "'") && !/[\w]/.test(before[index - 1] ?? '')) quote = sign
    else if (sign === '#' && (index === 0 || /\s/.test(before[index - 1] ?? ''))) return true
  }
  return false
}

const dashesOf = (before: string): number[] => {
  const found: number[] = []
  for (let column = before.length - before.trimStart().length; /^-(?:\s|$)/.test(before.slice(column)); ) {
    found.push(column)
    const rest = before.slice(column + 1)
    column += 1 + (rest.length - rest.trimStart().length)
  }
  return found
}

function tokensOf(line: string): readonly Token[] {
  if (/^\s*(?:#|$)/.test(line)) return []
  const dashes = dashesOf(line)
  const last = dashes.at(-1)
  const rest = last === undefined ? line : line.slice(last + 1)
  const column = line.length - rest.trimStart().length
  const found = KEY.exec(line.slice(column))
  const tokens: Token[] = dashes.map((one) => ({ kind: 'dash', column: one }))
  if (!found) return tokens
  const at = column + found[0].length
  const key = found[1] ?? found[2]?.replaceAll("''", "'") ?? found[3] ?? ''
  return [...tokens, { kind: 'key', column, key, at, value: line.slice(at).trim() }]
}

/** The key whose text in several lines (`|`, `>`) the row is part of. */
function blockScalarAt(lines: readonly string[], row: number) {
  const own = lines[row] ?? ''
  const indent = own.trim() === '' ? Number.POSITIVE_INFINITY : own.length - own.trimStart().length
  let least = indent
  for (let at = row - 1; at >= 0; at--) {
    const line = lines[at] ?? ''
    if (line.trim() === '') continue
    const here = line.length - line.trimStart().length
    if (here >= least) continue
    const key = tokensOf(line).findLast((one) => one.kind === 'key')
    if (key?.kind === 'key' && /^[|>][+-]?\d*(?:\s+#.*)?$/.test(key.value))
      return own.trim() === '' && own.length <= key.column ? null : { row: at, column: key.column, key: key.key }
    if (own.trim() !== '' || here <= own.length) return null
    least = here
  }
  return null
}

/** What leads to a mapping or list that begins at a column of a row. */
function ancestors(
  lines: readonly string[],
  row: number,
  column: number,
  last: readonly string[],
  dashes: readonly number[] = dashesOf((lines[row] ?? '').slice(0, column)),
): Pick<Place, 'path' | 'beside'> {
  const path: Step[] = [...last]
  const beside: ReadonlyMap<string, string>[] = [siblings(lines, row, column)]
  if (last.length > 0) beside.push(new Map())
  let limit = column
  let mayEqual = false
  const up = (token: Token, at: number): void => {
    if (token.kind === 'dash' ? token.column >= limit : token.column > limit || (token.column === limit && !mayEqual))
      return
    path.unshift(token.kind === 'dash' ? ITEM : token.key)
    beside.unshift(token.kind === 'dash' ? new Map() : siblings(lines, at, token.column))
    limit = token.column
    mayEqual = token.kind === 'dash'
  }
  for (const dash of dashes.toReversed()) up({ kind: 'dash', column: dash }, row)
  for (let at = row - 1; at >= 0 && (limit > 0 || mayEqual); at--)
    for (const token of tokensOf(lines[at] ?? '').toReversed()) up(token, at)
  return { path, beside }
}

/** The plain values of a mapping that has a key at a column of a row. */
function siblings(lines: readonly string[], row: number, column: number): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  /** False where the mapping ends. */
  const take = (token: Token): boolean => {
    if (token.column < column) return false
    if (token.kind === 'key' && token.column === column) found.set(token.key, plain(token.value))
    return true
  }
  const own = tokensOf(lines[row] ?? '').filter((token) => token.column >= column)
  own.forEach(take)
  const isFirst = dashesOf(lines[row] ?? '').some((dash) => dash < column)
  for (let at = row - 1; at >= 0 && !isFirst; at--)
    if (
      !tokensOf(lines[at] ?? '')
        .toReversed()
        .every(take)
    )
      break
  for (let at = row + 1; at < lines.length; at++) if (!tokensOf(lines[at] ?? '').every(take)) break
  return found
}

const plain = (value: string) =>
  value
    .replace(/\s+#.*$/, '')
    .replace(/^(["'])(.*)\1$/, '$2')
    .trim()

/** The value in brackets that is open where the text before the cursor ends. */
function flowAt(lines: readonly string[], row: number, before: string) {
  for (let at = row; at >= 0 && row - at < LONGEST_FLOW; at--) {
    const line = at === row ? before : (lines[at] ?? '')
    const tokens = tokensOf(line)
    const key = tokens.find((one) => one.kind === 'key')
    const dashes = dashesOf(line)
    const last = dashes.at(-1)
    const from = key?.kind === 'key' ? key.at : last === undefined ? null : last + 1
    if (from === null) continue
    const value = line.slice(from).trimStart()
    if (!/^[[{]/.test(value)) {
      if (at === row && key) return null
      if (key) return null
      continue
    }
    const text = at === row ? value : [value, ...lines.slice(at + 1, row), before].join('\n')
    const column = key?.kind === 'key' ? key.column : (last ?? 0) + 2
    return { row: at, column, key: key?.kind === 'key' ? key.key : null, dashes, text }
  }
  return null
}

interface Inside {
  readonly path: readonly Step[]
  readonly beside: readonly ReadonlyMap<string, string>[]
  readonly what: 'key' | 'value'
  readonly written: string
  readonly quote: '"' | "'" | null
}

/** Where one is in a value in brackets that is not closed; null when it is. */
function insideOf(text: string): Inside | null {
  interface Open {
    readonly isList: boolean
    key: string | null
    readonly values: Map<string, string>
  }
  const open: Open[] = []
  let word = ''
  let quote: '"' | "'" | null = null
  let isQuoted = false
  const end = () => {
    const top = open.at(-1)
    if (top?.key != null) top.values.set(top.key, word.trim())
    word = ''
    isQuoted = false
  }
  for (const [index, sign] of Array.from(text, (one, at) => [at, one] as const)) {
    if (quote) {
      if (sign === quote && text[index - 1] !== '\\') quote = null
      else word += sign
    } else if ((sign === '"' || sign === "'") && word.trim() === '') {
      quote = sign
      word = ''
      isQuoted = true
    } else if (sign === '{' || sign === '[') {
      open.push({ isList: sign === '[', key: null, values: new Map() })
      word = ''
    } else if (sign === '}' || sign === ']') {
      end()
      open.pop()
      if (open.length === 0) return null
    } else if (sign === ',') {
      end()
      const top = open.at(-1)
      if (top) top.key = null
    } else if (sign === ':' && /[\s]/.test(text[index + 1] ?? ' ') && open.at(-1)?.isList === false) {
      const top = open.at(-1)
      if (top) top.key = word.trim()
      word = ''
      isQuoted = false
    } else word += sign
  }
  if (open.length === 0) return null
  const path: Step[] = []
  for (const { isList, key } of open) {
    if (isList) path.push(ITEM)
    else if (key !== null) path.push(key)
  }
  const top = open.at(-1)
  const isValue = top?.isList === false && top.key !== null
  const maps = open.flatMap(({ isList, values }) => [isList ? new Map<string, string>() : values])
  return {
    path,
    beside: [...maps, ...(isValue || top?.isList ? [new Map<string, string>()] : [])],
    what: isValue ? 'value' : 'key',
    written: isQuoted && quote === null ? '' : word.trimStart(),
    quote,
  }
}
