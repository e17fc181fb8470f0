/**
 * May this agent ever? A security context names the tools an execution can have at all, with the bounds of their arguments
 * (aegis-runtime §4.4). It is judged before the assigned contracts, and an execution keeps the context it was created with.
 */

export interface Capability {
  /** `*`, `prefix.*`, or an exact name. */
  readonly toolPattern: string
  readonly pathAllowlist?: readonly string[]
  readonly commandAllowlist?: readonly string[]
  /** Per whole command, the first arguments it may have; an empty list allows any. */
  readonly subcommandAllowlist?: Readonly<Record<string, readonly string[]>>
  readonly domainAllowlist?: readonly string[]
  /** Bytes of the result, as JSON. */
  readonly maxResponseSize?: number
  readonly rateLimit?: { readonly calls: number; readonly perSeconds: number }
  /** Commands of the execution that may be out at once. */
  readonly maxConcurrent?: number
}

export interface SecurityContext {
  readonly name: string
  readonly capabilities: readonly Capability[]
  readonly denyList: readonly string[]
}

export type ViolationKind =
  | 'ToolNotAllowed'
  | 'ToolExplicitlyDenied'
  | 'RateLimitExceeded'
  | 'PathOutsideBoundary'
  | 'PathTraversalAttempt'
  | 'DomainNotAllowed'
  | 'MissingRequiredArgument'
  | 'CommandNotAllowed'
  | 'SubcommandNotAllowed'
  | 'OutputSizeLimitExceeded'

export interface Violation {
  readonly kind: ViolationKind
  readonly details: string
}

export type ContextVerdict =
  | { readonly allowed: true; readonly capability: Capability }
  | { readonly allowed: false; readonly violation: Violation }

type Arguments = Readonly<Record<string, unknown>>

/** Judge one call: the deny list, then the first capability that accepts; else what the first one of that name objected to. */
export function judgeByContext(context: SecurityContext, tool: string, args: Arguments): ContextVerdict {
  if (context.denyList.includes(tool))
    return refused('ToolExplicitlyDenied', `Tool '${tool}' is on the deny list of the context '${context.name}'.`)
  let objection: Violation | null = null
  for (const capability of context.capabilities) {
    if (!patternMatches(capability.toolPattern, tool)) continue
    const violation = objectionOf(capability, tool, args)
    if (!violation) return { allowed: true, capability }
    objection ??= violation
  }
  return objection
    ? { allowed: false, violation: objection }
    : refused('ToolNotAllowed', `Tool '${tool}' is not among the capabilities of the context '${context.name}'.`)
}

/** Whether the context could allow the tool with some arguments: what decides if a model is told of it. */
export function contextOffers(context: SecurityContext, tool: string): boolean {
  return !context.denyList.includes(tool) && context.capabilities.some((c) => patternMatches(c.toolPattern, tool))
}

export function patternMatches(pattern: string, tool: string): boolean {
  if (pattern === '*') return true
  if (pattern.endsWith('.*')) return tool.startsWith(pattern.slice(0, -1)) && tool.length > pattern.length - 1
  return pattern === tool
}

const violation = (kind: ViolationKind, details: string): Violation => ({ kind, details })
const refused = (kind: ViolationKind, details: string): ContextVerdict => ({
  allowed: false,
  violation: violation(kind, details),
})

function objectionOf(capability: Capability, tool: string, args: Arguments): Violation | null {
  if (capability.pathAllowlist && /^(fs|filesystem)\./.test(tool))
    return objectionToPath(capability.pathAllowlist, args.path)
  if (tool === 'cmd.run') return objectionToCommand(capability, args)
  if (capability.domainAllowlist && /^(web|web-search)\./.test(tool))
    return objectionToDomain(capability.domainAllowlist, args.url)
  return null
}

function objectionToPath(allowlist: readonly string[], path: unknown): Violation | null {
  if (path === undefined || path === null) return null
  if (typeof path !== 'string') return violation('MissingRequiredArgument', "Argument 'path' is not a text.")
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.')
  if (segments.includes('..')) return violation('PathTraversalAttempt', `Path '${path}' contains '..'.`)
  // Relative paths are relative to the workspace.
  if (!path.startsWith('/')) return null
  const within = (root: string) => {
    const parts = root.split('/').filter((segment) => segment !== '')
    return parts.every((part, index) => segments[index] === part)
  }
  return allowlist.some(within)
    ? null
    : violation('PathOutsideBoundary', `Path '${path}' is outside ${allowlist.join(', ')}.`)
}

function objectionToCommand(capability: Capability, args: Arguments): Violation | null {
  const { commandAllowlist, subcommandAllowlist } = capability
  if (!commandAllowlist && !subcommandAllowlist) return null
  if (typeof args.command !== 'string' || args.command.trim() === '')
    return violation('MissingRequiredArgument', "Argument 'command' is missing.")
  const command = args.command.trim()
  const first = command.split(/\s+/)[0] ?? ''
  if (commandAllowlist && !commandAllowlist.includes(first))
    return violation('CommandNotAllowed', `Command '${first}' is not allowed.`)
  if (!subcommandAllowlist) return null
  const subcommands = Object.hasOwn(subcommandAllowlist, command) ? subcommandAllowlist[command] : undefined
  if (!subcommands) return violation('CommandNotAllowed', `Command '${command}' is not allowed.`)
  if (subcommands.length === 0) return null
  const subcommand: unknown = Array.isArray(args.args) ? args.args[0] : undefined
  return typeof subcommand === 'string' && subcommands.includes(subcommand)
    ? null
    : violation('SubcommandNotAllowed', `Command '${command}' may only be called with ${subcommands.join(', ')}.`)
}

function objectionToDomain(allowlist: readonly string[], url: unknown): Violation | null {
  const host = typeof url === 'string' && URL.canParse(url) ? plainHost(new URL(url).hostname) : null
  const allowed = allowlist.map(plainHost).some((domain) => host === domain || host?.endsWith(`.${domain}`))
  return allowed ? null : violation('DomainNotAllowed', `URL '${String(url)}' is outside ${allowlist.join(', ')}.`)
}

const plainHost = (host: string): string => host.toLowerCase().replace(/^\.+|\.+$/g, '')

const allow = (...patterns: string[]): Capability[] => patterns.map((toolPattern) => ({ toolPattern }))

const consumerTools = allow(
  'web.*',
  'aegis.schema.*',
  'aegis.agent.*',
  'aegis.workflow.*',
  'aegis.task.*',
  'aegis.execute.*',
)

/** The contexts every deployment has. Tools that a later capability adds appear here by their pattern. */
const contexts: readonly SecurityContext[] = [
  {
    name: 'aegis-system-agent-runtime',
    capabilities: [
      { toolPattern: 'fs.*', pathAllowlist: ['/workspace'] },
      ...allow('cmd.run', 'web.*', 'aegis.schema.*'),
    ],
    denyList: [],
  },
  { name: 'aegis-system-operator', capabilities: consumerTools, denyList: [] },
  ...['zaru-free', 'zaru-pro', 'zaru-business', 'zaru-enterprise'].map((name) => ({
    name,
    capabilities: consumerTools,
    denyList: [],
  })),
]

/** What an execution runs under when its manifest names no context. */
export const DEFAULT_CONTEXT = 'aegis-system-agent-runtime'

export const isKnownContext = (name: string): boolean => contexts.some((context) => context.name === name)

export const findContext = (name: string): SecurityContext | null =>
  contexts.find((context) => context.name === name) ?? null
