/**
 * The dispatch protocol between the bootstrap in an agent's sandbox and the orchestrator: every agent message is a
 * request to `POST /v1/dispatch-gateway`, every orchestrator message its answer. The field names are those of the published protocol.
 */

/** One turn of a conversation; `role` is `system`, `user`, `assistant` or `tool`. Further keys are provider specific. */
export type ConversationMessage = Record<string, unknown>

/** Agent → orchestrator: begin an inner loop. */
export interface GenerateMessage {
  readonly type: 'generate'
  /** May be empty: the orchestrator knows the agent of the execution. */
  readonly agent_id: string
  readonly execution_id: string
  /** Counts from 1. */
  readonly iteration_number: number
  readonly model_alias: string
  /** The prompt, fully rendered. */
  readonly prompt: string
  /** Earlier conversation to continue; empty starts a new one. */
  readonly messages: readonly ConversationMessage[]
}

/** Agent → orchestrator: what a dispatched command did. */
export interface DispatchResultMessage {
  readonly type: 'dispatch_result'
  readonly execution_id: string
  /** The id of the {@link DispatchMessage} this answers. */
  readonly dispatch_id: string
  /** Exit code of the process; -1 when the bootstrap could not run it or had to stop it. */
  readonly exit_code: number
  readonly stdout: string
  readonly stderr: string
  readonly duration_ms: number
  /** Output went over `max_output_bytes`; only its end was kept. */
  readonly truncated: boolean
}

/** Orchestrator → agent: the inner loop is over. */
export interface FinalMessage {
  readonly type: 'final'
  readonly content: string
  /** Tools called during this inner loop. */
  readonly tool_calls_executed: number
  readonly conversation: readonly ConversationMessage[]
}

/** Orchestrator → agent: run a command and answer with a {@link DispatchResultMessage}. */
export interface DispatchMessage {
  readonly type: 'dispatch'
  readonly dispatch_id: string
  /** Only `exec` is defined; any other is answered with `unknown_action:<action>`. */
  readonly action: string
  readonly command: string | null
  readonly args: readonly string[]
  readonly cwd: string
  readonly env_additions: Readonly<Record<string, string>>
  readonly timeout_secs: number
  /** Limit on stdout and stderr together. */
  readonly max_output_bytes: number
  /**
   * Lictor's addition. `false`: run `command` with `args` as they are, without a shell, so that an allowed command
   * cannot smuggle another. Absent: joined by spaces and run through a shell, as published bootstraps do.
   */
  readonly shell?: boolean
  /**
   * Lictor's addition. `false`: `cwd` is where it was judged to be, and is entered only when no part of it is a link.
   * Absent: links are followed.
   */
  readonly follow_links?: boolean
}

export type AgentMessage = GenerateMessage | DispatchResultMessage
export type OrchestratorMessage = FinalMessage | DispatchMessage

/** What a receiver assumes for fields a sender left out. */
export const DISPATCH_DEFAULTS = {
  modelAlias: 'default',
  cwd: '/workspace',
  timeoutSecs: 60,
  maxOutputBytes: 524_288,
} as const

/** Values `cmd.run` sends when the tool call does not say otherwise. */
export const COMMAND_DEFAULTS = { cwd: '/workspace', timeoutSecs: 600, maxOutputBytes: 1_048_576 } as const
