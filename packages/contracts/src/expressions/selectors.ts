import { configError } from '../errors.ts'
import type { Envelope, Principal } from '../types.ts'
import { coerceEnvironmentValue } from './environment.ts'
import type { SelectorReader } from './evaluation.ts'
import { seenAs } from './seen-as.ts'

/** Custom selectors by prefix: the function is called with the envelope, its result is walked along the rest of the path. */
export type CustomSelectors = Readonly<Record<string, (envelope: Envelope) => unknown>>

const RESERVED_PREFIXES: readonly string[] = ['environment', 'tool', 'args', 'principal', 'output', 'env', 'metadata']

const PRINCIPAL_FIELDS: ReadonlyMap<string, keyof Principal> = new Map([
  ['user_id', 'userId'],
  ['service_id', 'serviceId'],
  ['org_id', 'orgId'],
  ['role', 'role'],
  ['ticket_ref', 'ticketRef'],
])

/** Own entries of custom selectors as a map. Throws `EdictumConfigError` for a reserved prefix or what is no function. */
export function checkedSelectors(custom: CustomSelectors): ReadonlyMap<string, (envelope: Envelope) => unknown> {
  const entries = Object.entries(custom)
  for (const [prefix, resolve] of entries) {
    if (RESERVED_PREFIXES.includes(prefix)) {
      throw configError('custom_selector', `Custom selector '${prefix}': this prefix is built in; choose another`)
    }
    if (typeof resolve !== 'function')
      throw configError('custom_selector', `Custom selector '${prefix}' is no function`)
  }
  return new Map(entries)
}

/** How to read a selector. An unknown one reads as missing, never as an error. */
export function compileSelector(
  selector: string,
  custom: ReadonlyMap<string, (envelope: Envelope) => unknown>,
): SelectorReader {
  if (selector === 'environment') return (e) => e.envelope.environment
  if (selector === 'tool.name') return (e) => e.envelope.toolName
  if (selector === 'output.text') return (e) => e.responseText()
  const dot = selector.indexOf('.')
  if (dot === -1) return missing
  const head = selector.slice(0, dot)
  const rest = selector.slice(dot + 1)
  const path = rest.split('.')
  const [first] = path
  switch (head) {
    case 'args':
      return (e) => argument(e.envelope, path)
    case 'metadata':
      return (e) => walk(e.envelope.metadata, path, 0)
    case 'env':
      return (e) => (e.context.env === undefined ? undefined : coerceEnvironmentValue(ownValue(e.context.env, rest)))
    case 'result':
      return (e) => (e.inPost ? seenAs(walk(e.response, path, 0)) : undefined)
    case 'principal': {
      if (first === 'claims') return path.length === 1 ? missing : (e) => walk(e.envelope.principal?.claims, path, 1)
      const field = PRINCIPAL_FIELDS.get(rest)
      return field === undefined ? missing : (e) => e.envelope.principal?.[field]
    }
    default: {
      const resolve = custom.get(head)
      return resolve === undefined ? missing : (e) => walk(resolve(e.envelope), path, 0)
    }
  }
}

function missing(): undefined {
  return undefined
}

/** A value that is only passed through to the tool cannot be judged, and so a contract that asks for it fires. */
function argument({ args, passedThrough }: Envelope, path: readonly string[]): unknown {
  if (passedThrough === null) {
    const value = path.length === 1 ? ownValue(args, path[0] as string) : walk(args, path, 0)
    return typeof value === 'object' ? seenAs(value) : value
  }
  let value: unknown = args
  for (const key of path) {
    value = ownValue(value, key)
    if (passedThrough.has(value)) {
      throw new TypeError(`the argument '${path.join('.')}' is only passed through to the tool`)
    }
  }
  return seenAs(value)
}

/** Own properties of plain objects and entries of maps only: prototypes and arrays are never followed. */
function walk(from: unknown, path: readonly string[], start: number): unknown {
  let value = from
  for (let i = start; i < path.length; i++) {
    value = ownValue(value, path[i] as string)
    if (value === undefined) return undefined
  }
  return value
}

function ownValue(container: unknown, key: string): unknown {
  if (typeof container !== 'object' || container === null || Array.isArray(container)) return undefined
  if (container instanceof Map) return container.get(key)
  return Object.hasOwn(container, key) ? (container as Record<string, unknown>)[key] : undefined
}
