import { MAX_PATTERN_TEXT } from '../bounds.ts'
import { kindOfObject, textOfBytes } from '../envelope/values.ts'
import { configError } from '../errors.ts'
import { cutText } from '../messages/cut.ts'
import { isSecretName, isSecretOption } from './names.ts'
import { looksLikeSecret, REDACTED, redactText } from './patterns.ts'
import { replaceInWindows } from './windows.ts'

export interface RedactionOptions {
  /** Added to the built-in sensitive keys; they win over the safe ones. */
  readonly sensitiveKeys?: Iterable<string>
  /** Run before the built-in replacements, over the first 1 MiB of each text; what lies behind is dropped. */
  readonly customPatterns?: Iterable<readonly [pattern: RegExp | string, replacement: string]>
  /** Default true. False leaves values alone, except that long ones are cut. */
  readonly detectSecretValues?: boolean
  /** Added to the built-in keys that look sensitive and are not, such as `max_tokens`. */
  readonly safeCompoundKeys?: Iterable<string>
}

const SENSITIVE =
  `password secret token api_key apikey authorization auth credentials private_key privatekey access_token
  refresh_token client_secret connection_string database_url db_password ssh_key passphrase api_tokens db_passwords
  user_credentials oauth_secrets encryption_keys jwt_tokens`.split(/\s+/)
const SAFE =
  `max_tokens num_tokens input_tokens output_tokens total_tokens completion_tokens prompt_tokens cached_tokens
  reasoning_tokens audio_tokens cache_tokens sort_keys index_keys`.split(/\s+/)
const SENSITIVE_PARTS: ReadonlySet<string> = new Set(
  'token tokens key keys secret secrets password passwords credential credentials'.split(' '),
)

const MAX_STRING = 1000
/** More than is shown of a value, so that what is hidden in it leaves enough to show. */
const SHOWN_INPUT = 20_000
const MAX_PAYLOAD = 32_768
const MAX_DEPTH = 200
/** Keys come from outside; beyond this many they are looked at anew each time. */
const MAX_KNOWN_KEYS = 500

/** Hides secrets in what leaves the process. Immutable; never throws when used. */
export class RedactionPolicy {
  readonly #sensitive: ReadonlySet<string>
  readonly #userSensitive: ReadonlySet<string>
  readonly #safe: ReadonlySet<string>
  readonly #custom: readonly (readonly [RegExp, string])[]
  readonly #detect: boolean
  /** What was said of keys before; agents use the same few over and over. */
  readonly #known = new Map<string, boolean>()

  /** Throws `EdictumConfigError` (code `redaction_pattern`) for a custom pattern that does not compile. */
  constructor(options: RedactionOptions = {}) {
    this.#userSensitive = new Set([...(options.sensitiveKeys ?? [])].map(normalised))
    this.#sensitive = new Set([...SENSITIVE, ...this.#userSensitive])
    this.#safe = new Set([...SAFE, ...[...(options.safeCompoundKeys ?? [])].map(normalised)])
    this.#custom = [...(options.customPatterns ?? [])].map(([pattern, replacement]) => [global(pattern), replacement])
    this.#detect = options.detectSecretValues ?? true
  }

  /** Whether the value under a key is hidden whatever it is. */
  isSensitiveKey(key: string): boolean {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const isSensitive = this.#isSensitive(key)
    if (this.#known.size < MAX_KNOWN_KEYS) this.#known.set(key, isSensitive)
    return isSensitive
  }

  #isSensitive(key: string): boolean {
    const flat = normalised(key)
    if (this.#sensitive.has(flat)) return true
    // Tools written in JavaScript say `accessToken`; the safe list holds for that spelling too.
    const split = normalised(
      key.replaceAll(/([\p{Ll}\p{N}])(?=\p{Lu})/gu, '$1_').replaceAll(/(\p{Lu})(?=\p{Lu}\p{Ll})/gu, '$1_'),
    )
    if (this.#userSensitive.has(split)) return true
    if (this.#safe.has(flat) || this.#safe.has(split)) return false
    if (this.#sensitive.has(split)) return true
    return flat.split('_').some(isSensitivePart) || split.split('_').some(isSensitivePart)
  }

  /** A redacted copy of arguments, or of any JSON-like value. Cycles and unreadable parts become bracketed words. */
  redactArgs(value: unknown): unknown {
    return this.#value(value, 0, [])
  }

  #value(value: unknown, depth: number, open: object[]): unknown {
    if (typeof value === 'string') return this.#string(value)
    if (typeof value !== 'object' || value === null) return value
    if (open.includes(value)) return '[circular]'
    if (depth > MAX_DEPTH) return '[nested too deeply]'
    try {
      open.push(value)
      return this.#object(value, depth, open)
    } catch {
      return UNREADABLE
    } finally {
      if (open.at(-1) === value) open.pop()
    }
  }

  #object(value: object, depth: number, open: object[]): unknown {
    switch (kindOfObject(value)) {
      case 'array':
        return Array.from(value as readonly unknown[], (item, i) =>
          typeof item === 'string' && !item.startsWith('-') && isSecretOption((value as readonly unknown[])[i - 1])
            ? REDACTED
            : this.#member(value as never, i as never, depth, open),
        )
      case 'set':
        return Array.from(value as Set<unknown>, (item) => this.#value(item, depth + 1, open))
      case 'map':
        return this.#record(Object.fromEntries(value as Map<string, unknown>), depth, open)
      case 'date':
        return value
      case 'bytes':
        return this.#string(textOfBytes(value as ArrayBufferView | ArrayBuffer))
      case 'url':
        return this.#string((value as URL).href)
      default:
        return this.#record(value as Record<string, unknown>, depth, open)
    }
  }

  #record(record: Record<string, unknown>, depth: number, open: object[]): Record<string, unknown> {
    const copy: Record<string, unknown> = {}
    const isSecretPair = namesSecret(record)
    for (const key of Object.keys(record)) {
      const isHidden = this.isSensitiveKey(key) || (isSecretPair && key === 'value')
      const value = isHidden ? REDACTED : this.#member(record, key, depth, open)
      if (key === '__proto__') Object.defineProperty(copy, key, { value, enumerable: true })
      else copy[key] = value
    }
    return copy
  }

  #member(owner: Record<string, unknown>, key: string, depth: number, open: object[]): unknown {
    let value: unknown
    try {
      value = owner[key]
    } catch {
      return UNREADABLE
    }
    return this.#value(value, depth + 1, open)
  }

  #string(text: string): string {
    if (!this.#detect) return cutText(text, MAX_STRING)
    return looksLikeSecret(text) ? REDACTED : cutText(this.#patterns(text, SHOWN_INPUT), MAX_STRING)
  }

  /** Text past the reach of custom patterns is dropped: it must not pass through unseen. */
  #patterns(text: string, reach = MAX_PATTERN_TEXT): string {
    if (this.#custom.length === 0) return redactText(text)
    let result = text.slice(0, reach)
    for (const [pattern, replacement] of this.#custom) result = replaceInWindows(result, pattern, replacement)
    return redactText(result) + (text.length > reach ? '...' : '')
  }

  /** Value replacements only, whatever `detectSecretValues` says, uncut. */
  redactBashCommand(command: string): string {
    return this.#patterns(command)
  }

  /** Value replacements, then at most `maxLength` characters. */
  redactResult(text: string, maxLength = 500): string {
    return cutText(this.#patterns(text), maxLength)
  }

  /** An audit event of at most 32,768 characters of JSON: a larger one loses its result summary and arguments. */
  capPayload<Payload extends Readonly<Record<string, unknown>>>(payload: Payload): Payload | Record<string, unknown> {
    let size = Number.POSITIVE_INFINITY
    try {
      size = JSON.stringify(payload).length
    } catch {
      // What cannot be written down is too large in any case.
    }
    if (size <= MAX_PAYLOAD) return payload
    const { result_summary: _, ...rest } = payload
    return { ...rest, _truncated: true, tool_args: { _redacted: 'payload exceeded 32KB' } }
  }
}

const UNREADABLE = '[unreadable]'

const PAIR_NAMES = ['name', 'key', 'header', 'field']

/** `{name: "Authorization", value: "…"}`. */
function namesSecret(record: Record<string, unknown>): boolean {
  if (!Object.hasOwn(record, 'value')) return false
  return PAIR_NAMES.some((name) => {
    const named: unknown = Object.getOwnPropertyDescriptor(record, name)?.value
    return typeof named === 'string' && named.length <= 100 && isSecretName(named)
  })
}

function normalised(key: string): string {
  return key.toLowerCase().replaceAll('-', '_')
}

function isSensitivePart(part: string): boolean {
  return SENSITIVE_PARTS.has(part)
}

function global(pattern: RegExp | string): RegExp {
  try {
    if (typeof pattern === 'string') return new RegExp(pattern, 'gu')
    return new RegExp(pattern.source, pattern.flags.includes('g') ? pattern.flags : `${pattern.flags}g`)
  } catch (error) {
    throw configError('redaction_pattern', `Redaction pattern ${String(pattern)} does not compile: ${String(error)}`)
  }
}

const DEFAULT = new RedactionPolicy()

/** `redactArgs` of the default policy. */
export function redactArgs(value: unknown): unknown {
  return DEFAULT.redactArgs(value)
}
