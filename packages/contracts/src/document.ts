import type { Mode, SideEffect, TimeoutEffect } from './types.ts'

/**
 * A bundle document after loading: validated, normalised to one vocabulary, frozen.
 * The loader makes it; the compiler and the composer read it. Order of `contracts` is the order of the text.
 */
export interface BundleDocument {
  readonly kind: 'ContractBundle' | 'Ruleset'
  readonly name: string | null
  readonly description: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly defaultMode: Mode
  readonly observeAlongside: boolean
  readonly contracts: readonly ContractDocument[]
  readonly tools: ReadonlyMap<string, ToolDocument>
  readonly observability: Readonly<Record<string, unknown>> | null
}

export interface ToolDocument {
  readonly sideEffect: SideEffect
  readonly idempotent: boolean
}

interface ContractCommon {
  readonly id: string
  readonly enabled: boolean
  /** Null when the contract names none and the (composed) default applies. */
  readonly mode: Mode | null
  /** Set by composition: contributed by an `observe_alongside` layer. */
  readonly candidate: boolean
}

interface ThenDocument {
  readonly message: string
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface PreDocument extends ContractCommon {
  readonly type: 'pre'
  readonly tool: string
  /** `ALWAYS` where the contract names no condition. */
  readonly when: Expression
  /** What must have come before in the session, any of it. */
  readonly after?: AfterDocument
  readonly then: ThenDocument & {
    readonly effect: 'deny' | 'approve'
    readonly timeout: number
    readonly timeoutEffect: TimeoutEffect
  }
}

export interface PostDocument extends ContractCommon {
  readonly type: 'post'
  readonly tool: string
  /** `ALWAYS` where a contract that labels names no condition. */
  readonly when: Expression
  readonly then: ThenDocument & {
    readonly effect: 'warn' | 'redact' | 'deny' | 'label'
    /** What the session is labelled with, when that is the effect. */
    readonly label?: string
  }
}

export interface AfterDocument {
  /** Labels that post contracts put on a session. */
  readonly labels: readonly string[]
  /** Exact names of tools that have run. */
  readonly tools: readonly string[]
}

export interface SessionDocument extends ContractCommon {
  readonly type: 'session'
  readonly limits: {
    readonly maxToolCalls: number | null
    readonly maxAttempts: number | null
    readonly maxCallsPerTool: ReadonlyMap<string, number>
  }
  readonly then: ThenDocument & { readonly effect: 'deny' }
}

export interface SandboxDocument extends ContractCommon {
  readonly type: 'sandbox'
  readonly tools: readonly string[]
  readonly within: readonly string[]
  readonly notWithin: readonly string[]
  readonly allowsCommands: readonly string[] | null
  readonly allowsDomains: readonly string[] | null
  readonly notAllowsDomains: readonly string[]
  readonly outside: 'deny' | 'approve'
  readonly message: string
  readonly timeout: number
  readonly timeoutEffect: TimeoutEffect
}

export type ContractDocument = PreDocument | PostDocument | SessionDocument | SandboxDocument

export type Expression =
  | { readonly all: readonly Expression[] }
  | { readonly any: readonly Expression[] }
  | { readonly not: Expression }
  | { readonly selector: string; readonly operator: string; readonly value: unknown }

/** What loading returns: the document with what identifies its bytes. */
export interface LoadedBundle {
  readonly document: BundleDocument
  /** Lower-case hex SHA-256 of the exact bytes; the `revision_hash` / `policy_version` of a single bundle. */
  readonly hash: string
}
