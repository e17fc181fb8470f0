import type { Capability, SecurityContext } from '../contexts/security-contexts.ts'
import { cut, LONGEST_DETAILS } from './telling.ts'
import { argumentsOf, type Tool } from './tool.ts'

/**
 * May this agent ever? A call is judged by the security context of its execution before it is judged by the assigned contracts.
 */

/** What a context knows of a tool. */
export type JudgedTool = Pick<Tool, 'name' | 'arguments' | 'implied'>

export type ViolationKind =
  | 'ToolNotAllowed'
  | 'ToolExplicitlyDenied'
  | 'RateLimitExceeded'
  | 'PathOutsideBoundary'
  | 'PathTraversalAttempt'
  | 'DomainNotAllowed'
  | 'MissingRequiredArgument'
  | 'TimeoutExceeded'
  | 'CommandNotAllowed'
  | 'SubcommandNotAllowed'
  | 'ConcurrentExecLimitExceeded'
  | 'OutputSizeLimitExceeded'
  | 'ExecTimeoutCeilingExceeded'
  | 'VariableNotAllowed'
  | 'TenantMismatch'
  | 'JudgeRefused'

export interface Violation {
  readonly kind: ViolationKind
  readonly details: string
  /** Several capabilities of the tool's name refused, for reasons of different kinds: `kind` is the first one's. */
  readonly isMixed?: true
  /** Whole seconds after which a call may be tried again, of a limit. */
  readonly retryAfter?: number
}

export type ContextVerdict =
  | { readonly allowed: true; readonly capability: Capability }
  | { readonly allowed: false; readonly violation: Violation }

type Arguments = Readonly<Record<string, unknown>>

/**
 * Judge one call: the deny list, then the first capability that accepts; else what the first one of that name objected to. Nothing
 * here throws: what a constraint cannot judge, it refuses.
 * @param calledAs the name in the call, where it is an alias of the tool's
 */
export function judgeByContext(
  context: SecurityContext,
  tool: JudgedTool,
  args: Arguments,
  calledAs: string = tool.name,
): ContextVerdict {
  const isNamed = (pattern: string) => patternMatches(pattern, tool.name) || patternMatches(pattern, calledAs)
  if (context.denyList.some(isNamed))
    return refused('ToolExplicitlyDenied', `Tool '${calledAs}' is on the deny list of the context '${context.name}'.`)
  const objections: Violation[] = []
  for (const capability of context.capabilities) {
    if (!isNamed(capability.toolPattern)) continue
    const objection = objectionOf(capability, tool, args)
    if (!objection) return { allowed: true, capability }
    objections.push(objection)
  }
  const [first] = objections
  if (!first)
    return refused(
      'ToolNotAllowed',
      `Tool '${calledAs}' is not among the capabilities of the context '${context.name}'.`,
    )
  const isMixed = new Set(objections.map(({ kind }) => groupOf(kind))).size > 1
  return { allowed: false, violation: isMixed ? { ...first, isMixed } : first }
}

/** Whether the context could allow the tool with some arguments: what decides if a model is told of it. */
export function contextOffers(context: SecurityContext, tool: string): boolean {
  return (
    !context.denyList.some((pattern) => patternMatches(pattern, tool)) &&
    context.capabilities.some((c) => patternMatches(c.toolPattern, tool))
  )
}

/** `*` is every tool, `prefix.*` every tool whose name begins with `prefix.`; the dot counts. */
export function patternMatches(pattern: string, tool: string): boolean {
  if (pattern === '*') return true
  if (pattern.endsWith('.*')) return tool.startsWith(pattern.slice(0, -1)) && tool.length > pattern.length - 1
  return pattern === tool
}

/** Kinds of reasons that are one to whoever is told of them. */
function groupOf(kind: ViolationKind): string {
  if (kind === 'PathOutsideBoundary' || kind === 'PathTraversalAttempt') return 'path'
  if (kind === 'CommandNotAllowed' || kind === 'SubcommandNotAllowed' || kind === 'MissingRequiredArgument')
    return 'command'
  return kind
}

const violation = (kind: ViolationKind, details: string): Violation => ({
  kind,
  details: cut(details, LONGEST_DETAILS),
})
const refused = (kind: ViolationKind, details: string): ContextVerdict => ({
  allowed: false,
  violation: violation(kind, details),
})

function objectionOf(capability: Capability, tool: JudgedTool, args: Arguments): Violation | null {
  const { pathAllowlist, domainAllowlist, commandAllowlist, subcommandAllowlist } = capability
  const objections = [
    ...(pathAllowlist ? argumentsOf(tool, 'path').map((name) => objectionToPath(pathAllowlist, args[name])) : []),
    ...(commandAllowlist || subcommandAllowlist
      ? argumentsOf(tool, 'command').map((name) => objectionToCommand(capability, tool, args[name], args))
      : []),
    ...(domainAllowlist ? argumentsOf(tool, 'url').map((name) => objectionToDomain(domainAllowlist, args[name])) : []),
  ]
  return objections.find((objection) => objection !== null) ?? null
}

const WORKSPACE = 'workspace'
const segmentsOf = (path: string): string[] => path.split('/').filter((segment) => segment !== '' && segment !== '.')

function objectionToPath(allowlist: readonly string[], path: unknown): Violation | null {
  if (path === undefined || path === null) return null
  if (typeof path !== 'string') return violation('MissingRequiredArgument', "Argument 'path' is not a text.")
  if (path.includes('\0')) return violation('PathOutsideBoundary', 'The path contains U+0000.')
  const given = segmentsOf(path)
  if (given.includes('..')) return violation('PathTraversalAttempt', `Path '${path}' contains '..'.`)
  const segments = path.startsWith('/') ? given : [WORKSPACE, ...given]
  const within = (folder: string) =>
    segmentsOf(folder.replace(/\/\*{1,2}$/, '')).every((part, index) => segments[index] === part)
  return allowlist.some(within)
    ? null
    : violation('PathOutsideBoundary', `Path '${path}' is outside ${listed(allowlist)}.`)
}

function objectionToCommand(
  capability: Capability,
  tool: JudgedTool,
  given: unknown,
  args: Arguments,
): Violation | null {
  const { commandAllowlist, subcommandAllowlist } = capability
  if (typeof given !== 'string' || given.trim() === '')
    return violation('MissingRequiredArgument', 'The command is missing.')
  const [program = '', second] = given.trim().split(/\s+/)
  if (commandAllowlist && !commandAllowlist.includes(program))
    return violation('CommandNotAllowed', `Command '${program}' is not allowed.`)
  if (!subcommandAllowlist) return null
  const subcommands = subcommandsOf(subcommandAllowlist, program)
  if (!subcommands) return violation('CommandNotAllowed', `Command '${program}' is not allowed.`)
  // An array for every program names what is allowed: none, when it is empty. Of one program, empty is any.
  if (subcommands.length === 0 && !Array.isArray(subcommandAllowlist)) return null
  const [words] = argumentsOf(tool, 'words').map((name) => args[name])
  const [firstWord] = Array.isArray(words) ? (words as unknown[]) : []
  const subcommand = second ?? firstWord
  return typeof subcommand === 'string' && subcommands.includes(subcommand)
    ? null
    : violation('SubcommandNotAllowed', `Command '${program}' may only be called with ${listed(subcommands)}.`)
}

function subcommandsOf(
  allowlist: NonNullable<Capability['subcommandAllowlist']>,
  program: string,
): readonly string[] | undefined {
  if (Array.isArray(allowlist)) return allowlist as readonly string[]
  return Object.hasOwn(allowlist, program)
    ? (allowlist as Readonly<Record<string, readonly string[]>>)[program]
    : undefined
}

function objectionToDomain(allowlist: readonly string[], url: unknown): Violation | null {
  // A search names no address.
  if (url === undefined || url === null) return null
  const host = typeof url === 'string' && URL.canParse(url) ? plainHost(new URL(url).hostname) : ''
  const isAllowed = allowlist.some((entry) => {
    const isBelowOnly = entry.startsWith('*.')
    const domain = plainHost(isBelowOnly ? entry.slice(2) : entry)
    if (host === '' || domain === '') return false
    return (host === domain && !isBelowOnly) || host.endsWith(`.${domain}`)
  })
  return isAllowed
    ? null
    : violation(
        'DomainNotAllowed',
        `URL '${typeof url === 'string' ? url : typeof url}' is outside ${listed(allowlist)}.`,
      )
}

/** Characters of a host that any resolver takes; a longer one is none. */
const LONGEST_HOST = 255
const plainHost = (host: string): string =>
  host.length > LONGEST_HOST ? '' : host.toLowerCase().replace(/^\.+|\.+$/g, '')
const listed = (entries: readonly string[]): string => (entries.length === 0 ? 'an empty list' : entries.join(', '))
