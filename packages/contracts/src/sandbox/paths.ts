import { UNKNOWN, withHome } from './expansion.ts'

/** Longer texts are no paths: no system opens them. */
const MAX_PATH = 4096

const BEGINS_LIKE_PATH = /^(?:\/|~\/|\.\.?\/|\$HOME\/|file:|[a-zA-Z]:[\\/])/i
const HAS_BLANK = /[\s\p{Z}]/u
const OTHER_SCHEME = /^(?!file:)[a-z][a-z0-9+.-]+:\/\//i
const DRIVE = /^[a-zA-Z]:[\\/]/

/** Whether an argument is a path by its looks alone: one line without blanks that begins like one or climbs. */
export function looksLikePath(text: string): boolean {
  if (text.length > MAX_PATH || HAS_BLANK.test(text)) return false
  if (begins(text)) return true
  return text.includes('%') && begins(percentDecoded(text))
}

function begins(text: string): boolean {
  return (BEGINS_LIKE_PATH.test(text) || text.includes('/../')) && !OTHER_SCHEME.test(text)
}

/** As `looksLikePath`, for a word of a command, which may hold blanks and is expanded already. */
export function wordLooksLikePath(text: string): boolean {
  if (OTHER_SCHEME.test(text)) return false
  return BEGINS_LIKE_PATH.test(text) || text.includes('/../') || text === '..' || text.endsWith('/..')
}

/** Follows symbolic links of an absolute or relative path. */
export type ResolvePath = (path: string) => string

/** A path as a call names it. */
export interface NamedPath {
  readonly text: string
  /** Folder that a relative path starts from, where the call names one. */
  readonly base: string | null
  /** From a command, where a shell has expanded `~` and variables already. */
  readonly isExpanded: boolean
}

/**
 * Every form in which a path is judged: as it stands, percent-decoded until nothing is left to decode, with the home folder
 * put in, as the path of a `file:` address; each made absolute and real. Null when it cannot be
 * a path inside anything: it contains NUL or an unknown variable, names another machine, or is encoded without end.
 */
export function realForms(
  path: NamedPath,
  resolve: ResolvePath | undefined,
  home: string | undefined,
): readonly string[] | null {
  const { text } = path
  const forms: string[] = []
  if (/^file:/i.test(text)) {
    const local = pathOfFileUrl(text)
    return local !== null && addForms(forms, local, path.base, resolve) ? forms : null
  }
  if (!addForms(forms, text, path.base, resolve)) return null
  const expanded = path.isExpanded ? null : withHome(text, home)
  if (expanded !== null) addForms(forms, expanded, path.base, resolve)
  return forms
}

const MAX_DECODINGS = 5

/** False when no form of the path can be inside anything. */
function addForms(forms: string[], path: string, base: string | null, resolve: ResolvePath | undefined): boolean {
  let current = path
  for (let round = 0; ; round++) {
    if (current.includes(UNKNOWN)) return false
    forms.push(realPath(based(current, base), resolve))
    const decoded = current.includes('%') ? percentDecoded(current) : current
    if (decoded === current) return true
    if (round >= MAX_DECODINGS) return false
    current = decoded
  }
}

function based(path: string, base: string | null): string {
  return base === null || path.startsWith('/') || DRIVE.test(path) ? path : `${base}/${path}`
}

/** Null for the file of another machine, and for what is no address at all. */
function pathOfFileUrl(text: string): string | null {
  try {
    const { host, pathname } = new URL(text)
    if (host !== '' && host !== 'localhost') return null
    return /^\/[a-zA-Z]:/.test(pathname) ? pathname.slice(1) : pathname
  } catch {
    return null
  }
}

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
    const real = resolve(path)
    // A system without drives takes `C:\x` for a name in the working directory. It is meant for a system that has them.
    return normalised(DRIVE.test(path) && !DRIVE.test(real) ? path : real)
  } catch {
    // Unreadable directories and link loops: the text is all there is to judge.
    return normalised(path)
  }
}

/** `.`, `..` and repeated slashes collapsed; relative paths start at `/`. */
export function normalised(path: string): string {
  const parts: string[] = []
  const text = DRIVE.test(path) ? path.replaceAll('\\', '/') : path
  for (const part of text.split('/')) {
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
