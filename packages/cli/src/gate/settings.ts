import { hostname } from 'node:os'
import { join } from 'node:path'
import { readYaml } from '@lictor/contracts'
import { baseContracts, type GatePlace, gateFolder } from './place.ts'
import { userName } from './user-name.ts'

/** `~/.lictor/gate.yaml`, with what it leaves out. */
export interface GateSettings {
  /** Bundles, composed left to right. */
  readonly contracts: readonly string[]
  readonly console: ConsoleSettings | null
  /** The name by which the audit log and the console know this gate. */
  readonly agentId: string
  readonly audit: {
    readonly enabled: boolean
    readonly path: string
    readonly flushSeconds: number
    readonly maxMb: number
  }
  readonly redaction: { readonly patterns: readonly string[]; readonly replacement: string }
  /** Folders besides the call's own that may be written to. */
  readonly scopeAllowlist: readonly string[]
  /** Whether calls run when there are no contracts, or none that load. Never holds for a call that cannot be read. */
  readonly failOpen: boolean
}

export interface ConsoleSettings {
  readonly url: string
  readonly apiKey: string
  readonly environment: string
  /** The bundle that `gate sync` keeps the contracts at; null where they are a file of the user's own. */
  readonly bundle: string | null
  readonly allowInsecure: boolean
  /** Hex Ed25519 keys; where there are any, the bundle must be signed by one of them. */
  readonly signingKeys: readonly string[]
}

/** `gate.yaml` says something that cannot be meant. */
export class GateSettingsError extends Error {
  override readonly name = 'GateSettingsError'
}

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  '': ['contracts', 'console', 'audit', 'redaction', 'cache', 'scope_allowlist', 'fail_open'],
  console: ['url', 'api_key', 'agent_id', 'environment', 'bundle', 'allow_insecure', 'signing_keys'],
  audit: ['enabled', 'buffer_path', 'flush_interval_seconds', 'max_buffer_size_mb'],
  redaction: ['enabled', 'patterns', 'replacement'],
  cache: ['hash_mtime', 'ttl_seconds'],
}

/** @throws GateSettingsError naming the key, EdictumConfigError for a text that is no YAML */
export function readSettings(source: string | null, place: GatePlace): GateSettings {
  const document = source === null ? null : readYaml(source)
  const top = section(document ?? {}, '')
  const console = section(top.console ?? {}, 'console')
  const audit = section(top.audit ?? {}, 'audit')
  const redaction = section(top.redaction ?? {}, 'redaction')
  section(top.cache ?? {}, 'cache')
  const path = (value: string) => expanded(value, place)
  return {
    contracts: (texts(top, 'contracts') ?? [baseContracts(place)]).map(path),
    console: consoleOf(console),
    agentId: agentId(word(console, 'agent_id')),
    audit: {
      enabled: flag(audit, 'enabled', true),
      path: path(word(audit, 'buffer_path') ?? join(gateFolder(place), 'audit.jsonl')),
      flushSeconds: count(audit, 'flush_interval_seconds', 30),
      maxMb: count(audit, 'max_buffer_size_mb', 50),
    },
    redaction: {
      patterns: texts(redaction, 'patterns') ?? [],
      replacement: word(redaction, 'replacement') ?? '<REDACTED>',
    },
    scopeAllowlist: (texts(top, 'scope_allowlist') ?? ['~/.claude/']).map(path),
    failOpen: flag(top, 'fail_open', false),
  }
}

function consoleOf(console: Section): ConsoleSettings | null {
  const url = word(console, 'url')
  const apiKey = word(console, 'api_key')
  if (url === null || apiKey === null) return null
  return {
    url: url.replace(/\/+$/, ''),
    apiKey,
    environment: word(console, 'environment') ?? /^edk_([^_]+)_/.exec(apiKey)?.[1] ?? 'production',
    bundle: word(console, 'bundle'),
    allowInsecure: flag(console, 'allow_insecure', false),
    signingKeys: texts(console, 'signing_keys') ?? [],
  }
}

/** What a template makes on this machine. */
export function agentId(template: string | null): string {
  const variables: Readonly<Record<string, string>> = { hostname: hostname(), user: userName() }
  const named = template?.replaceAll(/\$\{(hostname|user)\}/g, (_, name: string) => variables[name] ?? '')
  const id = (named || `${variables.hostname}-${variables.user}`).replaceAll(/[^A-Za-z0-9._-]/g, '-')
  return id.replace(/^[^A-Za-z0-9]+/, '').slice(0, 128) || 'gate'
}

export function expanded(path: string, { home }: GatePlace): string {
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path
}

type Section = Readonly<Record<string, unknown>>

function section(value: unknown, name: string): Section {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new GateSettingsError(`${name === '' ? 'The document' : `'${name}'`} is no mapping`)
  for (const key of Object.keys(value)) {
    if (!KNOWN[name]?.includes(key))
      throw new GateSettingsError(
        `'${name === '' ? key : `${name}.${key}`}' is not a setting; known are ${KNOWN[name]?.join(', ')}`,
      )
  }
  return value as Section
}

function word(from: Section, key: string): string | null {
  const value = from[key]
  if (value === undefined || value === null || value === '') return null
  if (typeof value !== 'string') throw new GateSettingsError(`'${key}' is no text`)
  return value
}

function texts(from: Section, key: string): readonly string[] | null {
  const value = from[key]
  if (value === undefined || value === null) return null
  if (!Array.isArray(value) || value.some((one) => typeof one !== 'string'))
    throw new GateSettingsError(`'${key}' is no list of texts`)
  return value as string[]
}

function flag(from: Section, key: string, otherwise: boolean): boolean {
  const value = from[key] ?? otherwise
  if (typeof value !== 'boolean') throw new GateSettingsError(`'${key}' is neither true nor false`)
  return value
}

function count(from: Section, key: string, otherwise: number): number {
  const value = from[key] ?? otherwise
  if (typeof value !== 'number' || !(value > 0)) throw new GateSettingsError(`'${key}' is no number above 0`)
  return value
}
