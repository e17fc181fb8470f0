import { builtInContexts } from './built-in.ts'

/**
 * A security context names the tools an execution or a session can have at all, with the bounds of their arguments. Both keep the
 * context they were created with.
 */
export interface SecurityContext {
  readonly name: string
  readonly capabilities: readonly Capability[]
  /** Names or patterns of tools that no capability brings back. */
  readonly denyList: readonly string[]
}

export interface Capability {
  /** `*`, `prefix.*`, or an exact name. */
  readonly toolPattern: string
  /** Folders; they and all below. An empty list allows none. */
  readonly pathAllowlist?: readonly string[]
  /** Programs: the first word of a command. */
  readonly commandAllowlist?: readonly string[]
  /** First arguments by program, an empty list for any; or one list for every program. */
  readonly subcommandAllowlist?: Readonly<Record<string, readonly string[]>> | readonly string[]
  /** Hosts: they and all below; `*.x` only those below. */
  readonly domainAllowlist?: readonly string[]
  /** Bytes of the result, as JSON. */
  readonly maxResponseSize?: number
  readonly rateLimit?: { readonly calls: number; readonly perSeconds: number }
  /** Commands of the execution that may be out at once. */
  readonly maxConcurrent?: number
}

/** What an execution runs under when its manifest names no context. */
export const DEFAULT_CONTEXT = 'aegis-system-agent-runtime'

/** The built-in context of this name; those of tenants are known to `contexts.ts`. */
export const findContext = (name: string): SecurityContext | null =>
  builtInContexts.find((context) => context.name === name) ?? null
