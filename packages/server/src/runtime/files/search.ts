import { compilePattern, type Pattern, PatternLimitError, PatternSyntaxError } from '@lictor/contracts'
import { openFile, walkFolder } from './open.ts'
import { shownPath } from './path.ts'
import { headOf } from './read.ts'
import type { JudgedPath } from './resolve.ts'

const MOST_MATCHES = 1000
const MOST_PATHS = 10_000
const MOST_ENTRIES = 200_000
const MOST_BYTES = 256 * 1024 ** 2
const LARGEST_FILE = 10 * 1024 ** 2
const LONGEST_LINE = 10_000
/** A file with NUL in its beginning is no text. */
const BINARY_LOOK = 8192

/** A search that cannot be made; the message says why. */
export class SearchRefused extends Error {
  override readonly name = 'SearchRefused'
}

export interface Match {
  readonly file: string
  readonly line_number: number
  readonly line: string
}

export interface Found<T> {
  readonly matches: readonly T[]
  /** There is more than was looked at or is told. */
  readonly isCut: boolean
}

/**
 * Lines that a regular expression is found in, of a file or of all text files below a folder: at most 1,000. Links, files beyond
 * 10 MiB, and what is no text are passed over. The pattern runs in bounded time whatever it is.
 * @param mayRead whether the agent may read a file; what it may not is passed over
 * @throws SearchRefused for a pattern that is none
 */
export async function grep(
  path: JudgedPath,
  source: string,
  mayRead: (components: readonly string[]) => boolean,
): Promise<Found<Match>> {
  const pattern = patternOf(source)
  const matches: Match[] = []
  let bytes = 0
  let isCut = false
  for await (const { components, open } of filesAt(path)) {
    if (!mayRead(components)) continue
    if (matches.length >= MOST_MATCHES || bytes >= MOST_BYTES) {
      isCut = true
      break
    }
    const text = await textOf(open)
    if (text === null) continue
    bytes += text.length
    isCut = linesOf(text, pattern, shownPath(components), matches) || isCut
  }
  return { matches, isCut }
}

/** Adds the lines in which the pattern is found; whether some are left out. */
function linesOf(text: string, pattern: Pattern, file: string, matches: Match[]): boolean {
  let isCut = false
  for (const [index, whole] of text.split('\n').entries()) {
    if (matches.length >= MOST_MATCHES) return true
    const line = whole.endsWith('\r') ? whole.slice(0, -1) : whole
    // No pattern of any kind is run over more at once; what is longer is no line that somebody wrote.
    const looked = line.length > LONGEST_LINE ? line.slice(0, LONGEST_LINE) : line
    isCut ||= looked.length < line.length
    if (isFound(pattern, looked)) matches.push({ file, line_number: index + 1, line: looked })
  }
  return isCut
}

function isFound(pattern: Pattern, line: string): boolean {
  try {
    return pattern.test(line)
  } catch (error) {
    if (error instanceof PatternLimitError)
      throw new SearchRefused(`The pattern asks for too much work: ${error.message}. Write a simpler one.`)
    throw error
  }
}

function patternOf(source: string): Pattern {
  try {
    return compilePattern(source)
  } catch (error) {
    if (error instanceof PatternSyntaxError || error instanceof PatternLimitError)
      throw new SearchRefused(`The pattern '${source}' is no regular expression: ${error.message}`)
    throw error
  }
}

interface Candidate {
  readonly components: readonly string[]
  open(): ReturnType<typeof openFile> | Promise<null>
}

/** The file itself, or the files below the folder. */
async function* filesAt(path: JudgedPath): AsyncGenerator<Candidate> {
  const single = path.components.length === 0 ? null : await openFile(path).catch(() => null)
  if (single) {
    await single.close()
    yield { components: path.components, open: () => openFile(path) }
    return
  }
  let count = 0
  for await (const entry of walkFolder(path)) {
    if (++count > MOST_ENTRIES) return
    if (entry.kind === 'file') yield entry as Candidate
  }
}

async function textOf(open: Candidate['open']): Promise<string | null> {
  const handle = await open()
  if (!handle) return null
  try {
    const { size } = await handle.stat()
    if (size > LARGEST_FILE) return null
    const bytes = await headOf(handle, size)
    return bytes.subarray(0, BINARY_LOOK).includes(0) ? null : bytes.toString('utf8')
  } finally {
    await handle.close()
  }
}

/**
 * Files and folders below a folder whose name matches: `*` is any run of characters, `?` is one, everything else itself. A pattern
 * with a slash is compared with the path from the folder on, any other with the name alone.
 */
export async function glob(
  path: JudgedPath,
  pattern: string,
  mayRead: (components: readonly string[]) => boolean,
): Promise<Found<string>> {
  const plain = pattern.replace(/^\.?\/+/, '')
  const matches: string[] = []
  let count = 0
  for await (const { components } of walkFolder(path)) {
    if (++count > MOST_ENTRIES || matches.length >= MOST_PATHS) return { matches, isCut: true }
    const name = pattern.includes('/') ? components.slice(path.components.length).join('/') : (components.at(-1) ?? '')
    if (mayRead(components) && wildcardMatches(plain, name)) matches.push(shownPath(components))
  }
  return { matches, isCut: false }
}

/** In time that grows with the product of both lengths and no faster. */
export function wildcardMatches(pattern: string, text: string): boolean {
  const wanted = [...pattern]
  const given = [...text]
  let star = -1
  let retry = 0
  let at = 0
  let index = 0
  while (index < given.length) {
    if (wanted[at] === '*') {
      star = at++
      retry = index
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[index])) {
      at++
      index++
    } else if (star >= 0) {
      at = star + 1
      index = ++retry
    } else return false
  }
  while (wanted[at] === '*') at++
  return at === wanted.length
}
