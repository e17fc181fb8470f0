import { UNKNOWN } from './expansion.ts'
import { IN_VARIABLE, type NamedHost } from './operand-hosts.ts'

const HAS_SCHEME = /^[a-zA-Z][a-zA-Z0-9+.-]*:/

/** Python's `urlsplit` drops these wherever they stand, and leading controls and blanks. */
const DROPPED = /[\t\r\n]/g
// biome-ignore lint/complexity/useRegexLiterals: the control range reads better as escapes
const LEADING = new RegExp('^[\\u0000-\\u0020]+')

/**
 * What an address leads to: the host names that its readers see (Python's `urlparse` and the WHATWG parser of browsers and
 * `fetch` may differ), of which all must be allowed, or nowhere that an allow-list could name.
 */
export interface Reach {
  readonly address: string
  /** Empty for a scheme without a host, such as `data:` or `file:`: outside every allow-list. */
  readonly hosts: readonly string[]
  /** Why nobody can say before the call where it leads; null when it can be said. */
  readonly unknown: string | null
}

/** Schemes that take a text for an address even without slashes. */
const BEGINS_WITH_SCHEME = /^(?:https?|wss?|ftp|file|data|javascript):/i
const OPAQUE = /^(?:file|data):\s/i
/** The addresses in any text: where it contains `://`, begins with `//`, or begins with a scheme that needs no slashes. */
export function addressesInText(text: string): readonly Reach[] {
  const bare = text.replace(LEADING, '').replaceAll(DROPPED, '')
  if (bare.startsWith('//') || bare.startsWith('\\\\')) return protocolRelative(bare)
  if (!text.includes('://')) {
    return BEGINS_WITH_SCHEME.test(bare) && !OPAQUE.test(text) ? found(bare) : []
  }
  const isOneWord = !/\s/.test(text.trim())
  const whole = isOneWord || BEGINS_WITH_SCHEME.test(bare) ? found(bare) : []
  if (isOneWord && whole.some(({ hosts }) => hosts.length > 0 || BEGINS_WITH_SCHEME.test(bare))) return whole
  return [...whole.filter(({ hosts }) => hosts.length > 0), ...addressesWithin(text).flatMap(found)]
}

const SCHEME_CHARACTER = /[a-z0-9+.-]/i
/** What writers put around and behind addresses. */
const AROUND_ADDRESS = /[\s"'<>`)\]}]/g

/** Every `scheme://…` of a text, up to the next character that ends one. An address within an address is part of it. */
function addressesWithin(text: string): readonly string[] {
  const addresses: string[] = []
  let end = 0
  for (let at = text.indexOf('://'); at !== -1; at = text.indexOf('://', Math.max(end, at + 3))) {
    let start = at
    while (start > end && SCHEME_CHARACTER.test(text[start - 1] as string)) start--
    AROUND_ADDRESS.lastIndex = at
    end = AROUND_ADDRESS.exec(text)?.index ?? text.length
    addresses.push(text.slice(start, end).replace(/^[^a-z]+/i, ''))
  }
  return addresses
}

/** `//host/path`. A comment that begins with two slashes names no host with a dot, a port or an address. */
function protocolRelative(text: string): readonly Reach[] {
  const authority = /^[/\\]+([^/\\?#\s]*)/.exec(text)?.[1] ?? ''
  if (!/[.[]|:\d/.test(authority) && authority !== 'localhost') return []
  return found(`http:${text}`)
}

/** Schemes whose addresses lead to no host, whatever stands where one would. */
const HOSTLESS = /^(?:file|data|javascript|vbscript|blob|about|mailto|tel|view-source):/i

function found(text: string): readonly Reach[] {
  if (HOSTLESS.test(text)) return [leadingTo(text, [])]
  if (text.includes(UNKNOWN) && hasUnknownAuthority(text)) return [unknownReach(text, IN_VARIABLE.text)]
  const web = webHostname(text)
  const python = pythonHostname(text)
  if (web === null) {
    if (python === null) return []
    // What decodes a host into something that is none may read another one in it.
    return [leadingTo(text, python.includes('%') ? [] : [canonicalHost(python)])]
  }
  // An address of version 6 has many spellings, and one parser that knows them all.
  const readings = python?.includes(':') ? [web] : [web, python]
  return [leadingTo(text, [...new Set(readings.filter(isHost).map(canonicalHost))])]
}

function leadingTo(address: string, hosts: readonly string[]): Reach {
  return { address, hosts, unknown: null }
}

function unknownReach(address: string, reason: string): Reach {
  return { address: address.replaceAll(UNKNOWN, '$…'), hosts: [], unknown: reason }
}

/** Whether a variable stands before the path of an address: it may hold the end of one host and the whole of another. */
function hasUnknownAuthority(text: string): boolean {
  const end = /^(?:[^/\\?#]*:)?[/\\]*[^/\\?#]*/.exec(text)?.[0].length ?? 0
  return text.slice(0, end).includes(UNKNOWN)
}

function isHost(host: string | null): host is string {
  return host !== null && host !== ''
}

const HOST_AND_PORT =
  /^(?!(?:file|data|javascript|vbscript|blob|about|mailto|tel|view-source):)[^/?#\\:@[\]]+:\d+(?:[/?#\\]|$)/i
const RELATIVE = /^(?:[/\\](?![/\\])|[?#]|\.{1,2}(?:\/|$))/

/** The address under a name such as `url` or `host`, which may leave the scheme out. */
export function addressesUnderName(text: string): readonly Reach[] {
  const bare = text.replace(LEADING, '').replaceAll(DROPPED, '').trimEnd()
  if (bare === '' || RELATIVE.test(bare)) return []
  if (HAS_SCHEME.test(bare) && !HOST_AND_PORT.test(bare)) {
    const reaches = found(bare)
    if (reaches.length > 0) return reaches
  }
  const address = /^[/\\]{2}/.test(bare) ? `http:${bare}` : `http://${ipv6Bracketed(bare)}`
  if (isHost(webHostname(address))) return found(address).map((reach) => ({ ...reach, address: text }))
  // No host can be read: what is left is a text, in which each word may be an address.
  const words = bare.split(/\s+/)
  const hosts = words.length === 1 ? [] : words.filter((word) => /\w[.:]\w/.test(word) && !word.includes('://'))
  return [...addressesInText(text), ...hosts.flatMap(addressesUnderName)]
}

/** `::1` and `fe80::1` stand without brackets where a host stands alone. */
function ipv6Bracketed(text: string): string {
  const colon = text.indexOf(':')
  return colon !== -1 && colon !== text.lastIndexOf(':') && /^[0-9a-f:.]+$/i.test(text) ? `[${text}]` : text
}

/** Where a text of a command leads that stands in the place of a machine. What cannot be read there leads nowhere allowed. */
export function addressesOfHost({ text, form }: NamedHost): readonly Reach[] {
  switch (form) {
    case 'unknown':
      return [unknownReach('', text)]
    case 'address':
      return text === '-' ? [] : addressInCommand(text)
    case 'machine':
      return SCHEME_AND_SLASHES.test(text)
        ? addressInCommand(text)
        : nameInCommand(text.slice(text.lastIndexOf('@') + 1))
    case 'remote':
      return SCHEME_AND_SLASHES.test(text) ? addressInCommand(text) : remoteInCommand(text)
    case 'command':
      return []
  }
}

/** Whether a text is one address from end to end, which reads the same wherever it stands. */
export function isWholeAddress(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/\S*$/i.test(text)
}

/** The addresses in any word of a command. A variable before the path of one makes it unknown. */
export function addressesInWord(text: string): readonly Reach[] {
  if (!text.includes(UNKNOWN)) return addressesInText(text)
  const isUnknown = UNKNOWN_ADDRESS.test(text)
  return isUnknown ? [unknownReach(text, IN_VARIABLE.text)] : addressesInText(text)
}

const UNKNOWN_ADDRESS = new RegExp(`${UNKNOWN}[a-z0-9+.-]*://|://[^/\\\\?#\\s"'<>\`)\\]}]*${UNKNOWN}`, 'i')
const SCHEME_AND_SLASHES = /^[a-z][a-z0-9+.-]*:[/\\]{2}/i

/** As programs read it that put `http://` before what has no scheme. */
function addressInCommand(text: string): readonly Reach[] {
  if (text === '' || RELATIVE.test(text)) return []
  const hasScheme = SCHEME_AND_SLASHES.test(text) || BEGINS_WITH_SCHEME.test(text) || HOSTLESS.test(text)
  const reaches = found(hasScheme ? text : `http://${ipv6Bracketed(text.replace(/^[/\\]+/, ''))}`)
  return reaches.length === 0
    ? [leadingTo(text, [])]
    : reaches.map((reach) => (reach.unknown ? reach : { ...reach, address: text }))
}

/** `a.test`, `a.test:80`, `a.test:path`. */
function nameInCommand(name: string): readonly Reach[] {
  // `%h` of ssh is the machine that it is told to go to.
  if (name === '%h') return []
  return addressInCommand(/^[^:[\]]+:(?!\d+(?:\/|$))/.test(name) ? name.slice(0, name.indexOf(':')) : name)
}

/** `ann@a.test:path`. Without a colon before the first slash, and with the one of a drive, it is a file. */
function remoteInCommand(text: string): readonly Reach[] {
  if (/^[^/:]*\0/.test(text)) return [unknownReach(text, IN_VARIABLE.text)]
  const host = /^(?:[^/:]*@)?(\[[^\]]+\]|[^/:@]+):(?!\/\/)/.exec(text)?.[1]
  return host === undefined || /^[a-zA-Z]:[\\/]/.test(text) ? [] : addressInCommand(host)
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

/** Null when no browser would take the text for an address; empty when it is one without a host. */
function webHostname(url: string): string | null {
  try {
    return new URL(url).hostname
  } catch {
    return null
  }
}

const MAPPED_IPV4 = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/
/** A name whose last label is no number has one spelling, that of its small letters. */
const PLAIN_NAME = /^(?:[a-z0-9_-]+\.)*[a-z_-][a-z0-9_-]*$/

/**
 * One spelling for all that name the same machine, as the WHATWG parser writes it: small letters, no brackets, no dot at the
 * end, IPv4 as four decimal numbers (also when mapped into IPv6), IPv6 in its shortest form, other letters as punycode, nothing
 * percent-encoded. What is no host stays as it is, in small letters.
 */
export function canonicalHost(host: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  const name = withoutLastDots(bare.toLowerCase())
  if (PLAIN_NAME.test(name) && !name.includes('xn--')) return name
  const isAddress6 = hasFormOfAddress6(name)
  if (!isAddress6 && /[/\\?#@:]/.test(name)) return name
  const parsed = webHostname(isAddress6 ? `http://[${name}]` : `http://${name}`)
  if (!isHost(parsed)) return name
  return isAddress6 ? unmapped(parsed.slice(1, -1)) : withoutLastDots(parsed)
}

function hasFormOfAddress6(name: string): boolean {
  return name.includes(':') && /^[0-9a-f:.]+$/.test(name)
}

function withoutLastDots(name: string): string {
  let end = name.length
  while (name[end - 1] === '.') end--
  return name.slice(0, end)
}

function unmapped(name: string): string {
  const mapped = MAPPED_IPV4.exec(name)
  if (mapped === null) return name
  const [, dotted, high, low] = mapped
  if (dotted !== undefined) return dotted
  const [a, b] = [Number.parseInt(high as string, 16), Number.parseInt(low as string, 16)]
  return `${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`
}

/** A pattern of hosts in the spelling that hosts are compared in. Its labels with `*`, `?` or `[` stay globs. */
export function canonicalPattern(pattern: string): string {
  if (!/[*?[]/.test(pattern) || hasFormOfAddress6(pattern.toLowerCase().replace(/^\[(.*)\]$/, '$1')))
    return canonicalHost(pattern)
  return withoutLastDots(pattern.toLowerCase())
    .split('.')
    .map((label) => (/[^\0-\x7f]/.test(label) && !/[*?[\]]/.test(label) ? canonicalHost(label) : label))
    .join('.')
}
