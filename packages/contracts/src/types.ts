/**
 * The values that flow through the contract language. Everything here is plain, frozen data: a policy is compiled once,
 * an envelope is made once per tool call, and deciding maps the two (and counters the caller read) to a decision.
 */

export type Mode = 'enforce' | 'observe'
export type SideEffect = 'pure' | 'read' | 'write' | 'irreversible'
export type ContractType = 'pre' | 'post' | 'session' | 'sandbox'
export type TimeoutEffect = 'deny' | 'allow'

/** On whose behalf a call is made. */
export interface Principal {
  readonly userId: string | null
  readonly serviceId: string | null
  readonly orgId: string | null
  readonly role: string | null
  readonly ticketRef: string | null
  readonly claims: Readonly<Record<string, unknown>>
}

/**
 * What a tool's arguments are, by their name; a dot leads into objects, and list items count as their list. Names and values
 * tell by themselves in most tools; a record says it where they cannot.
 */
export interface ToolArguments {
  /** Paths, whatever they look like. */
  readonly paths?: readonly string[]
  /** Addresses, with or without a scheme. */
  readonly urls?: readonly string[]
  /** Command lines. */
  readonly commands?: readonly string[]
  /** Text that reaches nothing: it is no path and no address, whatever it looks like. */
  readonly content?: readonly string[]
  /** Values that only the tool understands: handed on as they are, and judged by no contract. */
  readonly passThrough?: readonly string[]
  /** The tool takes a program and its arguments apart: the call is also judged with both as one command line. */
  readonly commandLine?: { readonly command: string; readonly arguments: string }
}

/** Immutable snapshot of one tool call. Made by `createEnvelope`. */
export interface Envelope {
  readonly toolName: string
  readonly args: Readonly<Record<string, unknown>>
  readonly callId: string
  readonly runId: string
  readonly callIndex: number
  readonly parentCallId: string | null
  readonly sideEffect: SideEffect
  readonly idempotent: boolean
  readonly environment: string
  /** ISO 8601 UTC; handed in by the caller, this package has no clock. */
  readonly timestamp: string
  readonly caller: string
  readonly toolUseId: string | null
  readonly principal: Principal | null
  readonly bashCommand: string | null
  readonly filePath: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  /** What the tool's record says of its arguments; null when it says nothing. */
  readonly described: ToolArguments | null
  /** Values handed on as they are, because the tool's record says so; null when there is none. */
  readonly passedThrough: ReadonlySet<unknown> | null
  /**
   * The same call with `args.command` as one shell-quoted command line, for a tool that takes program and arguments apart.
   * Contracts that decide before a call judge it too, and the first that denies wins. Null for every other tool.
   */
  readonly joined: Envelope | null
}

/** Session counters as the caller read them before deciding. Absent values are 0. */
export interface Counters {
  readonly attempts: number
  readonly executions: number
  /** Executions of the envelope's tool; needed only when the policy has a limit for it. */
  readonly toolExecutions: number
  /**
   * What has come before in the session, of what the contracts of this tool ask for (`Policy.marksFor`). A contract that asks
   * and finds nothing read cannot be judged.
   */
  readonly past?: ReadonlySet<string>
}

/** Limits in force. */
export interface OperationLimits {
  readonly maxAttempts: number
  readonly maxToolCalls: number
  readonly maxCallsPerTool: ReadonlyMap<string, number>
}

export type RecordType = 'precondition' | 'sandbox' | 'session_contract' | 'postcondition' | 'workflow_gate'

/** One evaluated contract. */
export interface ContractRecord {
  readonly name: string
  readonly type: RecordType
  readonly passed: boolean
  readonly message: string | null
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly observed?: true
  readonly policyError?: true
}

/** What a candidate (`observe_alongside`) would have said. */
export interface ObserveResult {
  readonly name: string
  readonly type: RecordType
  readonly passed: boolean
  readonly message: string | null
  readonly source: 'yaml_precondition' | 'yaml_sandbox' | 'yaml_session'
}

/** Outcome of the pre-execution pipeline. */
export interface PreDecision {
  readonly action: 'allow' | 'deny' | 'pending_approval'
  readonly reason: string | null
  readonly decisionSource: string | null
  readonly decisionName: string | null
  readonly contractsEvaluated: readonly ContractRecord[]
  /** An observe-mode contract fired and the call goes on. */
  readonly observed: boolean
  readonly policyError: boolean
  readonly observeResults: readonly ObserveResult[]
  /** Seconds; meaningful when `action` is `pending_approval`. */
  readonly approvalTimeout: number
  readonly approvalTimeoutEffect: TimeoutEffect
  readonly approvalMessage: string | null
}

/** Outcome of the post-execution pipeline. */
export interface PostDecision {
  readonly toolSuccess: boolean
  readonly postconditionsPassed: boolean
  readonly warnings: readonly string[]
  readonly contractsEvaluated: readonly ContractRecord[]
  readonly policyError: boolean
  /** Text that replaces the response, or null when it is unchanged. */
  readonly redactedResponse: string | null
  /** What the caller gets instead of the response: an object stays one where it can. Null when it is unchanged. */
  readonly replacement: { readonly value: unknown } | null
  readonly outputSuppressed: boolean
  /** What the session is to remember, by the names of its store. Stored before the caller gets what the tool returned. */
  readonly marks: readonly string[]
}

/** What a caller may lend to deciding. Sandboxes ask `resolvePath` to follow symbolic links. */
export interface DecideContext {
  /**
   * Absolute real path of a path: relative ones against the working directory, links of the existing part followed, the
   * missing rest kept. Pass the same function every time: what it says of the sandbox boundaries is remembered for it.
   * Without it paths are only normalised as text, relative ones against `/`.
   */
  readonly resolvePath?: (path: string) => string
  /** What `env.<NAME>` selectors see. Leave it out wherever other people's bundles are judged; they are then missing. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Contracts for which a human has approved this very call: they ask no more. */
  readonly approved?: ReadonlySet<string>
  /** Handed to the `check` of programmatic session contracts. */
  readonly session?: unknown
}

/** One thing wrong, or odd, in a document. Lines and columns count from 1. */
export interface ContractIssue {
  /** Stable, machine-readable: `yaml_parse`, `schema`, `duplicate_id`, `invalid_regex`, … */
  readonly code: string
  /** For example `contracts[3].when.any[0]`; empty for the document. */
  readonly path: string
  readonly line: number | null
  readonly column: number | null
  readonly message: string
  readonly hint?: string
}
