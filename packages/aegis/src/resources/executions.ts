import { type ExecutionEvent, streamEvents } from '../http/events.ts'
import type { RequestOptions } from '../http/options.ts'
import { filePath, path, query } from '../http/path.ts'
import type { Transport } from '../http/transport.ts'

export type ExecutionStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled' | (string & {})

export interface Execution {
  readonly id: string
  readonly execution_id: string
  readonly agent_id: string | null
  readonly workflow_name: string | null
  readonly status: ExecutionStatus
  readonly started_at: string
  readonly ended_at: string | null
  readonly created_at: string
  readonly updated_at: string | null
  readonly summary: string | null
  readonly tenant_id: string
  readonly total_iterations?: number
  /** What it waits for: a place, a person, or an execution that it began; null when for nothing. */
  readonly waiting_for?: 'place' | 'person' | 'child' | null
  readonly parent_execution_id?: string | null
  /** Input, output and error are only on answers about a single execution. */
  readonly input?: unknown
  readonly output?: unknown
  readonly error?: unknown
  /** So are these. */
  readonly intent?: string | null
  readonly max_iterations?: number
  readonly security_context_name?: string
  readonly initiating_user_sub?: string
  readonly hierarchy?: {
    readonly parent_execution_id: string | null
    /** From 0 to 3. */
    readonly depth: number
    /** Ids from the first of its family to itself. */
    readonly path: readonly string[]
    readonly swarm_id: string | null
  }
  readonly iterations?: readonly ExecutionIteration[]
}

/** What a validator said: score and confidence from 0 to 1. */
export interface ExecutionGradient {
  readonly validator: string
  readonly score: number
  readonly confidence: number
  readonly reasoning: string
  readonly signals: readonly { readonly category: string; readonly score: number; readonly message: string }[]
  readonly metadata: Readonly<Record<string, unknown>>
  readonly individual_results?: readonly {
    readonly agent_id: string | null
    readonly judge: string
    readonly score: number
    readonly confidence: number
    readonly reasoning: string
  }[]
}

/** One attempt of an execution. */
export interface ExecutionIteration {
  /** From 1, without gaps. */
  readonly number: number
  readonly status: 'running' | 'success' | 'refining' | 'failed'
  /** The prompt it began with. */
  readonly action: string
  readonly output: string | null
  readonly exit_code: number | null
  readonly validation_results: Readonly<
    Record<'system' | 'output' | 'semantic' | 'gradient' | 'consensus', ExecutionGradient | null>
  >
  readonly error: { readonly message: string } | null
  readonly llm_interactions: readonly Readonly<Record<string, unknown>>[]
  readonly trajectory: readonly {
    readonly tool_name: string
    readonly arguments_json: string
    readonly status: 'pending' | 'dispatched' | 'succeeded' | 'failed' | 'fatal'
    readonly result_json: string | null
    readonly error: string | null
  }[]
  /** Tools whose calls were refused. */
  readonly policy_violations: readonly string[]
  readonly started_at: string
  readonly ended_at: string | null
}

export interface ExecutionList {
  readonly items: readonly Execution[]
  readonly executions: readonly Execution[]
  readonly count: number
}

export interface StartedExecution {
  readonly execution_id: string
  readonly id: string
  readonly status: ExecutionStatus
  readonly output: unknown
}

export interface ExecuteAgentPayload {
  /** `null` is allowed with an `intent`, which then is the prompt. */
  readonly input?: unknown
  /** The input under the name that workflows give it; it comes before `input`. */
  readonly workflow_input?: unknown
  /** Steers the prompt; never chooses the agent. */
  readonly intent?: string
  /** Further variables of the prompt template. */
  readonly context_overrides?: unknown
  readonly attachments?: readonly Readonly<Record<string, unknown>>[]
}

export interface StartExecutionPayload extends ExecuteAgentPayload {
  readonly agent_id: string
}

export interface ListExecutionsQuery {
  readonly agent_id?: string
  readonly workflow_name?: string
  readonly status?: string
  readonly limit?: number
  readonly offset?: number
}

const terminalEvents = new Set([
  'execution_completed',
  'execution_failed',
  'execution_cancelled',
  'execution_timed_out',
])

/** Runs of agents. Each call rejects with an `AegisError`; see there. */
export function executionMethods(transport: Transport) {
  /** Start a run; resolves once it is accepted, before it has ended. */
  function startExecution(payload: StartExecutionPayload, options?: RequestOptions): Promise<StartedExecution>
  function startExecution(
    agentId: string,
    input: string,
    intent?: string,
    contextOverrides?: unknown,
    options?: RequestOptions,
  ): Promise<StartedExecution>
  async function startExecution(
    first: StartExecutionPayload | string,
    second?: RequestOptions | string,
    intent?: string,
    contextOverrides?: unknown,
    options?: RequestOptions,
  ): Promise<StartedExecution> {
    const isPositional = typeof first === 'string'
    const json = isPositional ? { agent_id: first, input: second, intent, context_overrides: contextOverrides } : first
    const callOptions = isPositional ? options : (second as RequestOptions | undefined)
    return transport.json({ method: 'POST', path: '/v1/executions', json }, callOptions)
  }

  /** Start a run of one agent. `version`: refuse unless that version is deployed. */
  function executeAgent(
    agentId: string,
    payload: ExecuteAgentPayload,
    options?: RequestOptions & { readonly version?: string },
  ): Promise<StartedExecution>
  function executeAgent(
    agentId: string,
    input: string,
    intent?: string,
    contextOverrides?: unknown,
    options?: RequestOptions & { readonly version?: string },
  ): Promise<StartedExecution>
  async function executeAgent(
    agentId: string,
    second: ExecuteAgentPayload | string,
    third?: RequestOptions | string,
    contextOverrides?: unknown,
    fifth?: RequestOptions & { readonly version?: string },
  ): Promise<StartedExecution> {
    const isPositional = typeof second === 'string'
    const json = isPositional ? { input: second, intent: third, context_overrides: contextOverrides } : second
    const options = isPositional ? fifth : (third as (RequestOptions & { readonly version?: string }) | undefined)
    return transport.json(
      { method: 'POST', path: path`/v1/agents/${agentId}/execute` + query({ version: options?.version }), json },
      options,
    )
  }

  return {
    startExecution,
    executeAgent,

    /**
     * The events of a run, from its beginning to its end; a lost connection is taken up again without gap or repetition.
     *
     * @param token authenticates this stream instead of the client's own token
     */
    streamExecution(
      executionId: string,
      token?: string,
      options?: RequestOptions,
    ): AsyncGenerator<ExecutionEvent, void, undefined> {
      return streamEvents(
        transport,
        { method: 'GET', path: path`/v1/executions/${executionId}/stream` + query({ token }) },
        options,
        { isTerminal: ({ event_type: type }) => terminalEvents.has(type) },
      )
    },

    async getExecution(executionId: string, options?: RequestOptions): Promise<Execution> {
      return transport.json({ method: 'GET', path: path`/v1/executions/${executionId}` }, options)
    },

    async listExecutions(params: ListExecutionsQuery = {}, options?: RequestOptions): Promise<ExecutionList> {
      return transport.json({ method: 'GET', path: `/v1/executions${query({ ...params })}` }, options)
    },

    async cancelExecution(
      executionId: string,
      payload: { readonly reason?: string } = {},
      options?: RequestOptions,
    ): Promise<{ readonly status: string }> {
      return transport.json(
        { method: 'POST', path: path`/v1/executions/${executionId}/cancel`, json: payload },
        options,
      )
    },

    async deleteExecution(executionId: string, options?: RequestOptions): Promise<{ readonly status: string }> {
      return transport.json({ method: 'DELETE', path: path`/v1/executions/${executionId}` }, options)
    },

    /** A file of the run's workspace. @param file path within the workspace */
    async getExecutionFile(executionId: string, file: string, options?: RequestOptions): Promise<Uint8Array> {
      return transport.bytes(
        { method: 'GET', path: `${path`/v1/executions/${executionId}`}/files/${filePath(file)}`, accept: '*/*' },
        options,
      )
    },
  }
}

export type ExecutionMethods = ReturnType<typeof executionMethods>
