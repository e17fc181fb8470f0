import {
  BASE64,
  CREDENTIAL_PATHS,
  DANGEROUS,
  ENVIRONMENT,
  EXFILTRATION,
  IPV4,
  OBFUSCATION,
  PASSWORD_ARCHIVE,
  PATH_TEXT,
  PIPE_TO_SHELL,
  SHEBANG,
  URL_TEXT,
} from './patterns.ts'

export interface Blob {
  readonly length: number
  readonly classification: 'binary' | 'shell_command' | 'url' | 'text'
  readonly entropy: number
  readonly dangerous_pattern: string | null
}

/** What a block of code does, in the words of the report. Nothing of the code itself is kept. */
export interface CodeBlock {
  readonly language: string
  /** First and last line, from 1. */
  readonly line_range: readonly [number, number]
  readonly commands_found: readonly string[]
  readonly urls_found: readonly string[]
  readonly unique_domains: readonly string[]
  readonly ip_addresses_found: readonly string[]
  readonly env_var_references: readonly string[]
  readonly file_path_references: readonly string[]
  readonly pipe_to_shell: boolean
  readonly base64_blobs: readonly Blob[]
  readonly password_protected_archives: boolean
  readonly dangerous_commands: readonly string[]
  readonly credential_paths: readonly string[]
  readonly exfil_domains: readonly string[]
  readonly entropy_score: number
  readonly obfuscation_signals: readonly string[]
}

const MAX_BLOCKS = 50
const OPENING = /^```(\w*)\s*$/
const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'zsh', 'shell', 'console', ''])

/** The blocks of code of a text, and whether there were more than are looked at. */
export function codeBlocksOf(text: string): { readonly blocks: readonly CodeBlock[]; readonly truncated: boolean } {
  const lines = text.split('\n')
  const blocks: CodeBlock[] = []
  for (let at = 0; at < lines.length; at++) {
    const [, language] = OPENING.exec(lines[at] ?? '') ?? []
    if (language === undefined) continue
    const end = lines.findIndex((line, index) => index > at && line.startsWith('```'))
    if (end === -1) break
    if (blocks.length === MAX_BLOCKS) return { blocks, truncated: true }
    blocks.push(describe(language, lines.slice(at + 1, end), [at + 1, end + 1]))
    at = end
  }
  return { blocks, truncated: false }
}

function describe(language: string, lines: readonly string[], range: readonly [number, number]): CodeBlock {
  const code = lines.join('\n')
  const urls = all(code, URL_TEXT)
  const domains = unique(urls.map(hostOf).filter((host) => host !== ''))
  return {
    language,
    line_range: range,
    commands_found: SHELLS.has(language.toLowerCase()) ? unique(lines.flatMap(commandOf)) : [],
    urls_found: unique(urls),
    unique_domains: domains,
    ip_addresses_found: unique(all(code, IPV4)),
    env_var_references: unique([...code.matchAll(ENVIRONMENT)].map(([, name = '']) => name)),
    file_path_references: unique(all(code, PATH_TEXT)),
    pipe_to_shell: isPipedToShell(code),
    base64_blobs: all(code, BASE64).flatMap(blobOf),
    password_protected_archives: holds(PASSWORD_ARCHIVE, code),
    dangerous_commands: labels(code, DANGEROUS),
    credential_paths: unique(CREDENTIAL_PATHS.flatMap((pattern) => all(code, pattern))),
    exfil_domains: domains.filter((host) => EXFILTRATION.test(host)),
    entropy_score: entropy(code),
    obfuscation_signals: labels(code, OBFUSCATION),
  }
}

const unique = (values: readonly string[]): string[] => [...new Set(values)]
const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([found]) => found)
const labels = (text: string, patterns: readonly (readonly [RegExp, string])[]): string[] =>
  patterns.filter(([pattern]) => holds(pattern, text)).map(([, label]) => label)
const isPipedToShell = (text: string): boolean => PIPE_TO_SHELL.some((pattern) => holds(pattern, text))

/** Characters that are searched at once, and how far one piece reaches into the next. */
const WINDOW = 4_000
const OVERLAP = 1_000

/** Some patterns need the square of what they search: a text that is made for that is searched piece by piece. */
function holds(pattern: RegExp, text: string): boolean {
  for (let from = 0; ; from += WINDOW - OVERLAP) {
    if (pattern.test(text.slice(from, from + WINDOW))) return true
    if (from + WINDOW >= text.length) return false
  }
}

function commandOf(line: string): readonly string[] {
  const [word] = line
    .trim()
    .replace(/^\$\s+/, '')
    .split(/\s+/)
  return word === undefined || word === '' || word.startsWith('#') ? [] : [word]
}

/** The host of an address without user and port. */
export const hostOf = (url: string): string =>
  (/^https?:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)/i.exec(url)?.[1] ?? '').toLowerCase()

/** Shannon's, in bits a character. */
export function entropy(text: string): number {
  const counts = new Map<string, number>()
  let length = 0
  for (const character of text) {
    counts.set(character, (counts.get(character) ?? 0) + 1)
    length++
  }
  let bits = 0
  for (const count of counts.values()) bits -= (count / length) * Math.log2(count / length)
  return Math.round(bits * 100) / 100
}

function blobOf(found: string): readonly Blob[] {
  if (found.length % 4 !== 0) return []
  const bytes = Buffer.from(found, 'base64')
  if (bytes.toString('base64') !== found) return []
  const shared = { length: found.length, entropy: entropy(found) }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return [{ ...shared, classification: 'binary', dangerous_pattern: null }]
  }
  const [danger] = labels(text, DANGEROUS)
  if (danger !== undefined) return [{ ...shared, classification: 'shell_command', dangerous_pattern: danger }]
  if (new RegExp(URL_TEXT.source).test(text)) return [{ ...shared, classification: 'url', dangerous_pattern: null }]
  if (SHEBANG.test(text)) return [{ ...shared, classification: 'shell_command', dangerous_pattern: null }]
  if (isPipedToShell(text)) return [{ ...shared, classification: 'shell_command', dangerous_pattern: 'pipe_to_shell' }]
  return [{ ...shared, classification: 'text', dangerous_pattern: null }]
}
