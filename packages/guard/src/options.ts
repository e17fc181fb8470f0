import type {
  CustomOperators,
  CustomSelectors,
  Envelope,
  LimitsInput,
  Mode,
  Policy,
  PrincipalInput,
  ProgrammaticContract,
  RedactionPolicy,
  ToolSettings,
} from '@lictor/contracts'
import type { ApprovalBackend } from './approvals.ts'
import type { AuditSink } from './audit/sinks.ts'
import type { Clock, NewId } from './clock.ts'
import type { SessionGates } from './gates.ts'
import type { HookRegistration } from './hooks.ts'
import type { Logger } from './logger.ts'
import type { MaybePromise } from './maybe-promise.ts'
import type { Fetch } from './server/client.ts'
import type { SpoolMode } from './server/spool.ts'
import type { WatchError } from './server/watcher.ts'
import type { StorageBackend } from './storage.ts'
import type { GovernanceTelemetry } from './telemetry.ts'

export type SuccessCheck = (toolName: string, result: unknown) => boolean
export type PrincipalResolver = (
  toolName: string,
  args: Readonly<Record<string, unknown>>,
) => MaybePromise<PrincipalInput | null | undefined>

/** What every way of making a guard takes. */
export interface GuardOptions {
  /** `enforce` refuses, `observe` only reports. Left out, the bundle's own default holds, and changes with a reload. */
  readonly mode?: Mode | undefined
  /** How tools are classified; wins over the bundle's `tools`. */
  readonly tools?: Readonly<Record<string, ToolSettings>>
  /** Receives every audit event, beside the guard's own `localSink`. */
  readonly auditSink?: AuditSink | readonly AuditSink[]
  /** Events the guard's own `localSink` keeps, default 50,000. */
  readonly localEvents?: number
  readonly redaction?: RedactionPolicy
  /** Called once for each call that is refused. */
  readonly onDeny?: (envelope: Envelope, reason: string, decisionName: string | null) => unknown
  /** Called once for each call that may run, before it runs. */
  readonly onAllow?: (envelope: Envelope) => unknown
  readonly successCheck?: SuccessCheck
  readonly principal?: PrincipalInput | null
  /** Decides per call on whose behalf it is made; wins over `principal`. */
  readonly principalResolver?: PrincipalResolver
  readonly approvalBackend?: ApprovalBackend
  readonly customOperators?: CustomOperators
  readonly customSelectors?: CustomSelectors
  readonly hooks?: readonly HookRegistration[]
  /** Hold the calls of a session to an order: `workflowGates` of `@lictor/guard/gates`. */
  readonly gates?: SessionGates
  readonly telemetry?: GovernanceTelemetry
  readonly logger?: Logger
  readonly clock?: Clock
  readonly newId?: NewId
  /** What `env.<NAME>` selectors see; default the process's environment, null nothing. */
  readonly environmentVariables?: Readonly<Record<string, string | undefined>> | null
  /** Follows links for sandbox contracts; default the real file system, null compares paths as text. */
  readonly resolvePath?: ((path: string) => string) | null
}

export interface EdictumOptions extends GuardOptions {
  /** Default `production`. */
  readonly environment?: string
  readonly limits?: LimitsInput
  readonly contracts?: readonly ProgrammaticContract[]
  /** A policy compiled elsewhere; `contracts`, `limits` and custom operators are then its own. */
  readonly policy?: Policy
  readonly policyVersion?: string | null
  /** Session counters; default in memory. */
  readonly backend?: StorageBackend
}

export interface YamlOptions extends GuardOptions {
  readonly environment?: string
  readonly backend?: StorageBackend
}

export interface ServerGuardOptions extends GuardOptions {
  /** Address of the console. */
  readonly url: string
  /** `edk_<env>_<random>`, created in the console. */
  readonly apiKey: string
  /** Unique for each running agent. */
  readonly agentId: string
  /** Default `production`; must be the key's environment. */
  readonly env?: string
  /** Alias of `env`. */
  readonly environment?: string
  /** Null or absent: the server assigns the bundle. */
  readonly bundleName?: string | null
  readonly tags?: Readonly<Record<string, string>> | null
  /** Follow the agent stream and adopt updates; default true. */
  readonly autoWatch?: boolean
  readonly allowInsecure?: boolean
  readonly verifySignatures?: boolean
  /** Hex Ed25519 key, or several while one is being replaced. */
  readonly signingPublicKey?: string | readonly string[] | null
  readonly storageBackend?: StorageBackend
  /** Milliseconds one request may take, default 30,000. */
  readonly timeout?: number
  /** Attempts per request, default 3. */
  readonly maxRetries?: number
  /** Milliseconds to wait for the first assignment, default 30,000. */
  readonly assignmentTimeout?: number
  /** Milliseconds between polls of a waiting approval, default 2,000. */
  readonly approvalPollInterval?: number
  readonly redactApprovalArgs?: boolean
  /**
   * What becomes of audit events that wait when the process ends: `true` (default) keeps them in a file for the next guard
   * of this key and agent, `'each'` writes every event as it happens, `false` lets them go.
   */
  readonly spool?: SpoolMode
  readonly onWatchError?: (error: WatchError) => void
  readonly fetch?: Fetch
}

/** Which session is meant. */
export interface SessionOptions {
  /** Default: the guard's own session. */
  readonly sessionId?: string
}

export interface RunOptions {
  /** Default: the guard's own session. */
  readonly sessionId?: string
  readonly environment?: string
  /** Wins over resolver and guard; null means nobody. */
  readonly principal?: PrincipalInput | null
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly callId?: string
  readonly callIndex?: number
  readonly parentCallId?: string | null
  readonly caller?: string
  readonly toolUseId?: string | null
  /**
   * Takes the call back: aborted before the tool runs, the call is refused, the question of a waiting one withdrawn, and
   * `call_cancelled` recorded. A tool that runs already gets the signal and decides for itself.
   */
  readonly signal?: AbortSignal
}
