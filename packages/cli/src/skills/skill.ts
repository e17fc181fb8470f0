import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { readYaml } from '@lictor/contracts'
import { type CodeBlock, codeBlocksOf } from './code-block.ts'

/** One skill, in the words of the report. */
export interface Skill {
  readonly skill_name: string
  readonly author: string
  readonly content_hash: string
  readonly description: string
  readonly code_blocks: readonly CodeBlock[]
  readonly frontmatter: {
    readonly requires_bins: readonly string[]
    readonly requires_env: readonly string[]
    readonly requires_network: boolean
    readonly raw_keys: readonly string[]
  }
  readonly structural: {
    readonly has_contracts_yaml: boolean
    readonly contracts_valid: boolean
    readonly file_count: number
    readonly has_scripts: boolean
    readonly script_languages: readonly string[]
    readonly total_size_bytes: number
  }
  readonly truncated: boolean
}

const MAX_SKILL_BYTES = 1_048_576
const MAX_FILES = 10_000
const SCRIPTS: ReadonlySet<string> = new Set(['.sh', '.bash', '.zsh', '.py', '.js', '.ts', '.rb', '.pl'])
/** Folders that hold skills, and are nobody's name. */
const NO_AUTHORS: ReadonlySet<string> = new Set(['skills', 'hub', 'openclaw', '.', ''])
const FRONTMATTER = /^---[^\S\n]*\n([\s\S]*?)\n---[^\S\n]*\n/

export interface Found {
  readonly paths: readonly string[]
  /** Folders that could not be looked into. */
  readonly unreadable: readonly string[]
}

/** Every `SKILL.md` below a folder, sorted. Links are not followed. */
export function findSkills(root: string): Found {
  const paths: string[] = []
  const unreadable: string[] = []
  const visit = (folder: string): void => {
    try {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name)
        if (entry.isDirectory()) visit(path)
        else if (entry.isFile() && entry.name === 'SKILL.md') paths.push(path)
      }
    } catch {
      unreadable.push(folder)
    }
  }
  visit(root)
  return { paths: paths.sort(), unreadable }
}

/** What one `SKILL.md` says, and the folder it is in holds; null for a file that is too large or cannot be read. */
export function readSkill(path: string): Skill | null {
  const bytes = bytesOf(path)
  if (bytes === null) return null
  const text = textOf(bytes).replaceAll('\r\n', '\n')
  const header = FRONTMATTER.exec(text)
  const fields = fieldsOf(header?.[1])
  const body = header === null ? text : text.slice(header[0].length)
  const folder = dirname(path)
  const requires = fields.requires as Readonly<Record<string, unknown>> | undefined
  const { blocks, truncated } = codeBlocksOf(text)
  return {
    skill_name: word(fields.name) ?? basename(folder),
    author: word(fields.author) ?? authorOf(folder),
    content_hash: createHash('sha256').update(bytes).digest('hex'),
    description: body
      .replace(/^\s*#[^\n]*\n/, '')
      .trim()
      .slice(0, 200),
    code_blocks: blocks,
    frontmatter: {
      requires_bins: namesOf(fields.requires_bins ?? requires?.bins),
      requires_env: namesOf(fields.requires_env ?? requires?.env),
      requires_network: isTrue(fields.requires_network ?? requires?.network),
      raw_keys: Object.keys(fields).sort(),
    },
    structural: structureOf(folder),
    truncated,
  }
}

function bytesOf(path: string): Uint8Array | null {
  try {
    const file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
    try {
      const about = fstatSync(file)
      return about.isFile() && about.size <= MAX_SKILL_BYTES ? readFileSync(file) : null
    } finally {
      closeSync(file)
    }
  } catch {
    return null
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return Buffer.from(bytes).toString('latin1')
  }
}

function fieldsOf(yaml: string | undefined): Readonly<Record<string, unknown>> {
  if (yaml === undefined) return {}
  try {
    const value = readYaml(yaml)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {}
  } catch {
    return {}
  }
}

const word = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
const isTrue = (value: unknown): boolean =>
  value === true || (typeof value === 'string' && ['true', 'yes', '1'].includes(value.toLowerCase()))

function namesOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.map(String)
  return typeof value === 'object' && value !== null ? Object.keys(value) : []
}

function authorOf(folder: string): string {
  const name = basename(dirname(folder))
  return NO_AUTHORS.has(name) ? '' : name
}

function structureOf(folder: string): Skill['structural'] {
  const contracts = ['contracts.yaml', 'contracts.yml']
    .map((name) => join(folder, name))
    .find((path) => bytesOf(path) !== null)
  const languages = new Set<string>()
  let files = 0
  let bytes = 0
  const visit = (place: string): void => {
    for (const name of namesIn(place)) {
      if (files >= MAX_FILES) return
      const path = join(place, name)
      const about = lstatSync(path, { throwIfNoEntry: false })
      if (about?.isDirectory()) visit(path)
      if (!about?.isFile()) continue
      files++
      bytes += about.size
      if (SCRIPTS.has(extname(name))) languages.add(extname(name))
    }
  }
  visit(folder)
  return {
    has_contracts_yaml: contracts !== undefined,
    contracts_valid: contracts !== undefined && isBundle(contracts),
    file_count: files,
    has_scripts: languages.size > 0,
    script_languages: [...languages].sort(),
    total_size_bytes: bytes,
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function isBundle(path: string): boolean {
  return fieldsOf(textOf(bytesOf(path) ?? new Uint8Array())).apiVersion === 'edictum/v1'
}
