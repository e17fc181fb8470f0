import { InvalidInput } from '../../errors.ts'
import type { Capability, SecurityContext } from './security-contexts.ts'

/** A context as it is written: by operators over HTTP, and in the database. */

type Written = Readonly<Record<string, unknown>>
type Place = readonly (string | number)[]

const members = ['name', 'description', 'capabilities', 'deny_list', 'metadata']
const constraints = [
  ...['path_allowlist', 'command_allowlist', 'subcommand_allowlist', 'domain_allowlist'],
  ...['rate_limit', 'max_response_size', 'max_concurrent'],
]
const MOST_CAPABILITIES = 1000
const MOST_ENTRIES = 10_000
const LONGEST_TEXT = 1024
const LONGEST_DESCRIPTION = 10_000

/**
 * Read a context. What would not be enforced is refused, not passed over: a constraint whose name is misspelled would allow more
 * than its author meant.
 * @throws InvalidInput naming the place
 */
export function readContext(body: unknown): SecurityContext & { readonly description: string } {
  const at: Place = ['body']
  const written = objectAt(at, body)
  only(at, written, members)
  const name = nameAt([...at, 'name'], written.name)
  const description = written.description ?? ''
  if (typeof description !== 'string' || description.length > LONGEST_DESCRIPTION || description.includes('\0'))
    throw problem([...at, 'description'], `must be a text of at most ${LONGEST_DESCRIPTION} characters.`)
  const capabilities = listAt([...at, 'capabilities'], written.capabilities, MOST_CAPABILITIES)
  const denyList = written.deny_list == null ? [] : listAt([...at, 'deny_list'], written.deny_list, MOST_ENTRIES)
  return {
    name,
    description,
    capabilities: capabilities.map((one, index) => readCapability([...at, 'capabilities', index], one)),
    denyList: denyList.map((one, index) => denied([...at, 'deny_list', index], one)),
  }
}

function nameAt(at: Place, name: unknown): string {
  if (typeof name === 'string' && /^[a-z][a-z0-9-]{0,127}$/.test(name)) return name
  throw problem(at, 'must be 1 to 128 lower-case letters, digits and hyphens, beginning with a letter.')
}

function denied(at: Place, entry: unknown): string {
  const pattern = typeof entry === 'object' && entry !== null ? (entry as Written).tool_pattern : entry
  if (typeof pattern === 'string' && pattern.includes(':'))
    throw problem(at, `'${pattern}' names an argument, which a deny list cannot judge. Write a tool, or a contract.`)
  return patternAt(at, pattern)
}

function patternAt(at: Place, pattern: unknown): string {
  const text = textAt(at, pattern)
  if (text !== '*' && /\*/.test(text.replace(/\.\*$/, '')))
    throw problem(at, `'${text}' is no pattern: write '*', 'prefix.*' or the name of a tool.`)
  return text
}

function readCapability(at: Place, value: unknown): Capability {
  const outer = objectAt(at, value)
  const { constraints: nested, ...flat } = outer
  const inner = nested == null ? {} : objectAt([...at, 'constraints'], nested)
  only([...at, 'constraints'], inner, constraints)
  const twice = Object.keys(inner).find((name) => flat[name] !== undefined)
  if (twice !== undefined) throw problem([...at, 'constraints', twice], 'stands here and in the capability itself.')
  const written: Written = { ...flat, ...inner }
  only(at, written, ['tool_pattern', ...constraints])
  const texts = (name: string) => (written[name] == null ? undefined : textsAt([...at, name], written[name]))
  const count = (name: string) => (written[name] == null ? undefined : countAt([...at, name], written[name]))
  const given = {
    pathAllowlist: texts('path_allowlist'),
    commandAllowlist: texts('command_allowlist'),
    subcommandAllowlist: subcommandsAt([...at, 'subcommand_allowlist'], written.subcommand_allowlist),
    domainAllowlist: texts('domain_allowlist'),
    maxResponseSize: count('max_response_size'),
    rateLimit: rateAt([...at, 'rate_limit'], written.rate_limit),
    maxConcurrent: count('max_concurrent'),
  }
  const bad = given.pathAllowlist?.find((path) => path.split('/').includes('..') || !path.startsWith('/'))
  if (bad !== undefined) throw problem([...at, 'path_allowlist'], `'${bad}' must be an absolute folder without '..'.`)
  return {
    toolPattern: patternAt([...at, 'tool_pattern'], written.tool_pattern),
    ...Object.fromEntries(Object.entries(given).filter(([, constraint]) => constraint !== undefined)),
  }
}

function subcommandsAt(at: Place, value: unknown): Capability['subcommandAllowlist'] {
  if (value == null) return undefined
  if (Array.isArray(value)) return textsAt(at, value)
  const entries = Object.entries(objectAt(at, value))
  // A name such as `constructor` is a program like any other here.
  return Object.assign(
    Object.create(null) as object,
    Object.fromEntries(entries.map(([program, list]) => [program, textsAt([...at, program], list)])),
  ) as Record<string, readonly string[]>
}

function rateAt(at: Place, value: unknown): Capability['rateLimit'] {
  if (value == null) return undefined
  const rate = objectAt(at, value)
  only(at, rate, ['calls', 'per_seconds'])
  const perSeconds = countAt([...at, 'per_seconds'], rate.per_seconds)
  if (perSeconds < 1 || perSeconds > 86_400) throw problem([...at, 'per_seconds'], 'must be from 1 to 86400.')
  return { calls: countAt([...at, 'calls'], rate.calls), perSeconds }
}

function objectAt(at: Place, value: unknown): Written {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Written
  throw problem(at, 'must be an object.')
}

function listAt(at: Place, value: unknown, most: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= most) return value
  throw problem(at, `must be a list of at most ${most}.`)
}

const textsAt = (at: Place, value: unknown): string[] =>
  listAt(at, value, MOST_ENTRIES).map((one, index) => textAt([...at, index], one))

function textAt(at: Place, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '' && value.length <= LONGEST_TEXT && !value.includes('\0'))
    return value
  throw problem(at, `must be a text of 1 to ${LONGEST_TEXT} characters.`)
}

function countAt(at: Place, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 2 ** 31) return value
  throw problem(at, 'must be a whole number from 0.')
}

function only(at: Place, written: Written, known: readonly string[]): void {
  const unknown = Object.keys(written).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const hint =
    unknown === 'tool' ? ' Write tool_pattern.' : unknown === 'calls_per_minute' ? ' Write calls and per_seconds.' : ''
  throw problem([...at, unknown], `is not a member here; known are ${known.join(', ')}.${hint}`)
}

const problem = (loc: Place, what: string): InvalidInput => {
  const place = loc.slice(1).join('.')
  return new InvalidInput([{ loc, msg: `${place === '' ? 'The body' : place} ${what}` }], 'invalid_security_context')
}

/** A context as it is shown. */
export function writtenContext({ name, capabilities, denyList }: SecurityContext) {
  return { name, capabilities: capabilities.map(writtenCapability), deny_list: [...denyList] }
}

function writtenCapability(capability: Capability): Record<string, unknown> {
  const { rateLimit } = capability
  return {
    tool_pattern: capability.toolPattern,
    path_allowlist: capability.pathAllowlist ?? null,
    command_allowlist: capability.commandAllowlist ?? null,
    subcommand_allowlist: capability.subcommandAllowlist ?? null,
    domain_allowlist: capability.domainAllowlist ?? null,
    max_response_size: capability.maxResponseSize ?? null,
    rate_limit: rateLimit ? { calls: rateLimit.calls, per_seconds: rateLimit.perSeconds } : null,
    max_concurrent: capability.maxConcurrent ?? null,
  }
}
