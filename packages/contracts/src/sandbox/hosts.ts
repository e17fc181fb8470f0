import type { Envelope } from '../types.ts'
import { shellWords } from './shell-words.ts'

const HAS_SCHEME = /^[a-zA-Z][a-zA-Z0-9+.-]*:/

/** Python's `urlsplit` drops these wherever they stand, and leading controls and blanks. */
const DROPPED = /[\t\r\n]/g
// biome-ignore lint/complexity/useRegexLiterals: the control range reads better as escapes
const LEADING = new RegExp('^[\\u0000-\\u0020]+')

/**
 * The host names a call reaches for (contract-language §10.5), in order of their URLs: for each URL the one Python's
 * `urlparse` sees and, where it differs, the one a WHATWG parser (browsers, `fetch`) sees. All of them must be allowed.
 */
export function extractHosts(envelope: Envelope): readonly (readonly string[])[] {
  const urls = new Set<string>()
  for (const key of Object.keys(envelope.args)) {
    const value = envelope.args[key]
    if (typeof value === 'string') collect(value, urls)
    else if (Array.isArray(value)) for (const item of value) if (typeof item === 'string') collect(item, urls)
  }
  return [...urls].map(hostsOf)
}

function collect(value: string, urls: Set<string>): void {
  if (!value.includes('://')) return
  if (hostsOf(value).length > 0) {
    urls.add(value)
    return
  }
  for (const word of shellWords(value)) if (word.includes('://') && hostsOf(word).length > 0) urls.add(word)
}

function hostsOf(url: string): readonly string[] {
  const python = pythonHostname(url)
  if (python === null) return []
  const web = webHostname(url)
  return web === null || web === python ? [python] : [python, web]
}

/** As `urllib.parse.urlparse(url).hostname`. Null when there is none. */
export function pythonHostname(url: string): string | null {
  const text = url.replace(LEADING, '').replaceAll(DROPPED, '')
  const scheme = HAS_SCHEME.exec(text)
  const rest = scheme === null ? text : text.slice(scheme[0].length)
  if (!rest.startsWith('//')) return null
  const authority = /^[^/?#]*/.exec(rest.slice(2))?.[0] ?? ''
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  const open = host.indexOf('[')
  const name = open === -1 ? host.split(':')[0] : host.slice(open + 1).split(']')[0]
  return name ? name.toLowerCase() : null
}

function webHostname(url: string): string | null {
  try {
    const { hostname } = new URL(url)
    const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
    return bare === '' ? null : bare
  } catch {
    return null
  }
}
