import type { Envelope } from '../types.ts'
import type { CommandLine } from './command.ts'

/** Arguments whose text is a path whatever it looks like (contract-language §10.3). */
const PATH_KEYS: ReadonlySet<string> = new Set(
  'path file_path filePath directory dir folder target destination source src dst'.split(' '),
)

/**
 * The paths a call names, each once: the file path, the known arguments, other arguments that begin with `/`, and the words
 * of the command that do. An array of texts where a path belongs is judged text by text: stricter than agents of 0.16,
 * which look at no array, and never looser.
 */
export function extractPaths(envelope: Envelope, line: CommandLine): ReadonlySet<string> {
  const paths = new Set<string>()
  if (envelope.filePath) paths.add(envelope.filePath)
  for (const key of Object.keys(envelope.args)) {
    const value = envelope.args[key]
    const isPathKey = PATH_KEYS.has(key)
    if (Array.isArray(value)) {
      for (const item of value) add(paths, item, isPathKey)
    } else {
      add(paths, value, isPathKey)
    }
  }
  if (line.kind === 'text') for (const word of line.words) add(paths, word, false)
  return paths
}

function add(paths: Set<string>, value: unknown, isPath: boolean): void {
  if (typeof value === 'string' && value !== '' && (isPath || value.startsWith('/'))) paths.add(value)
}

/** Follows symbolic links of an absolute or relative path. */
export type ResolvePath = (path: string) => string

/**
 * Every form in which a path is judged: as it stands and percent-decoded until nothing is left to decode (D6), each made
 * absolute and real. Null when it cannot be a path inside anything: it contains NUL, or is encoded without end.
 */
export function realForms(path: string, resolve: ResolvePath | undefined): readonly string[] | null {
  if (path.includes('\0')) return null
  const forms = [realPath(path, resolve)]
  let current = path
  for (let round = 0; current.includes('%'); round++) {
    const decoded = percentDecoded(current)
    if (decoded === current) break
    if (round >= MAX_DECODINGS || decoded.includes('\0')) return null
    forms.push(realPath(decoded, resolve))
    current = decoded
  }
  return forms
}

const MAX_DECODINGS = 5

/** Lenient: what is no valid escape stays; broken UTF-8 becomes replacement characters. */
function percentDecoded(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
    try {
      return decodeURIComponent(run)
    } catch {
      const bytes = run.slice(1).split('%')
      return new TextDecoder().decode(Uint8Array.from(bytes, (hex) => Number.parseInt(hex, 16)))
    }
  })
}

/** An absolute, normalised path; links followed when the caller lends a resolver. */
export function realPath(path: string, resolve: ResolvePath | undefined): string {
  if (resolve === undefined) return normalised(path)
  try {
    return normalised(resolve(path))
  } catch {
    // Unreadable directories and link loops: the text is all there is to judge.
    return normalised(path)
  }
}

/** `.`, `..` and repeated slashes collapsed; relative paths start at `/`. */
export function normalised(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

/** Whether a real path is a boundary or lies below it. Both are normalised. */
export function isInside(path: string, boundary: string): boolean {
  if (path === boundary) return true
  const prefix = boundary === '/' ? '/' : `${boundary}/`
  return path.startsWith(prefix)
}
