import { type ExecutionEvent, streamEvents } from '../http/events.ts'
import type { RequestOptions } from '../http/options.ts'
import { path, query } from '../http/path.ts'
import type { Transport } from '../http/transport.ts'

export type WorkflowExecutionStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled' | (string & {})

/** One run of a workflow. What its states have left is only on answers about a single run. */
export interface WorkflowExecution {
  readonly id: string
  readonly execution_id: string
  readonly workflow_id: string
  readonly workflow_name: string
  readonly status: WorkflowExecutionStatus
  /** The state that is under way; after the end the last one. */
  readonly current_state: string | null
  /** RFC 3339, UTC; so are all times. */
  readonly started_at: string
  readonly ended_at: string | null
  readonly last_transition_at: string | null
  /** Why it failed or was cancelled. */
  readonly summary: string | null
  readonly tenant_id: string
  readonly input?: unknown
  readonly blackboard?: Readonly<Record<string, unknown>>
  /** What each state that was entered has left, by its name. */
  readonly state_outputs?: Readonly<Record<string, unknown>>
  /** Of a run that completed: its `output_template`, else what its last state has left. */
  readonly final_output?: unknown
}

export interface WorkflowExecutionList {
  readonly items: readonly WorkflowExecution[]
  readonly executions: readonly WorkflowExecution[]
  readonly count: number
}

export interface StartedWorkflow {
  readonly execution_id: string
  readonly id: string
  readonly workflow_execution_id: string
  readonly workflow_id: string
  readonly workflow_name: string
  readonly status: WorkflowExecutionStatus
  readonly started_at: string
}

export interface RunWorkflowPayload {
  /** What `{{input.…}}` reads; at most 1 MiB of JSON, 64 deep. */
  readonly input?: unknown
  /** Entries of the blackboard, beside the constants of the manifest. */
  readonly blackboard?: Readonly<Record<string, unknown>>
  readonly intent?: string
}

export interface ExecuteWorkflowPayload extends RunWorkflowPayload {
  /** Name or id; so is `workflow_id`. */
  readonly workflow_name?: string
  readonly workflow_id?: string
  readonly version?: string
}

export interface ListWorkflowExecutionsQuery {
  readonly workflow_id?: string
  readonly workflow_name?: string
  readonly status?: WorkflowExecutionStatus
  readonly limit?: number
  readonly offset?: number
}

/** An answer for a Human state: `response`, or a name with a payload. */
export type WorkflowSignal =
  | { readonly response: string; readonly feedback?: string }
  | { readonly signal_name: string; readonly payload?: unknown }

/** One entry of the log of a run. */
export interface WorkflowLogEntry {
  readonly execution_id: string
  readonly workflow_id: string
  readonly workflow_name: string
  /** For example `WorkflowStateEntered`. */
  readonly type: string
  readonly event_type: string
  readonly message: string
  readonly state_name?: string
  readonly iteration_number?: number
  readonly timestamp: string
  /** From 1, without gaps. */
  readonly sequence: number
  readonly details: Readonly<Record<string, unknown>>
}

export interface WorkflowExecutionLogs {
  readonly execution_id: string
  readonly events: readonly WorkflowLogEntry[]
  readonly count: number
  readonly limit: number
  readonly offset: number
  readonly has_more?: boolean
}

const lastEvents = new Set(['WorkflowExecutionCompleted', 'WorkflowExecutionFailed', 'WorkflowExecutionCancelled'])

/** Runs of workflows. Each call rejects with an `AegisError`; see there. */
export const workflowExecutionMethods = (transport: Transport) => ({
  /** Start a workflow by its name or id; resolves once it is accepted, before it has ended. */
  async runWorkflow(
    name: string,
    payload: RunWorkflowPayload = {},
    options?: RequestOptions & { readonly version?: string },
  ): Promise<StartedWorkflow> {
    const suffix = query({ version: options?.version })
    return transport.json({ method: 'POST', path: path`/v1/workflows/${name}/run` + suffix, json: payload }, options)
  },

  /** `runWorkflow` with the workflow named in the payload, by its older address. */
  async executeTemporalWorkflow(payload: ExecuteWorkflowPayload, options?: RequestOptions): Promise<StartedWorkflow> {
    return transport.json({ method: 'POST', path: '/v1/workflows/temporal/execute', json: payload }, options)
  },

  /** Newest first. */
  async listWorkflowExecutions(
    params: ListWorkflowExecutionsQuery = {},
    options?: RequestOptions,
  ): Promise<WorkflowExecutionList> {
    return transport.json({ method: 'GET', path: `/v1/workflows/executions${query({ ...params })}` }, options)
  },

  async getWorkflowExecution(executionId: string, options?: RequestOptions): Promise<WorkflowExecution> {
    return transport.json({ method: 'GET', path: path`/v1/workflows/executions/${executionId}` }, options)
  },

  /** One that has ended. */
  async removeWorkflowExecution(executionId: string, options?: RequestOptions): Promise<{ readonly status: string }> {
    return transport.json({ method: 'DELETE', path: path`/v1/workflows/executions/${executionId}` }, options)
  },

  /** Answer the Human state that is under way, or the next one. */
  async signalWorkflowExecution(
    executionId: string,
    signal: WorkflowSignal,
    options?: RequestOptions,
  ): Promise<{ readonly status: string; readonly execution_id: string }> {
    return transport.json(
      { method: 'POST', path: path`/v1/workflows/executions/${executionId}/signal`, json: signal },
      options,
    )
  },

  async cancelWorkflowExecution(
    executionId: string,
    payload: { readonly reason?: string } = {},
    options?: RequestOptions,
  ): Promise<{ readonly status: string; readonly execution_id: string }> {
    return transport.json(
      { method: 'POST', path: path`/v1/workflows/executions/${executionId}/cancel`, json: payload },
      options,
    )
  },

  /** @param offset the `sequence` of the last entry that was seen */
  async getWorkflowExecutionLogs(
    executionId: string,
    params: { readonly limit?: number; readonly offset?: number } = {},
    options?: RequestOptions,
  ): Promise<WorkflowExecutionLogs> {
    const suffix = query({ ...params })
    return transport.json({ method: 'GET', path: path`/v1/workflows/executions/${executionId}/logs` + suffix }, options)
  },

  /** The log of a run, from its beginning to its end; a lost connection is taken up again without gap or repetition. */
  streamWorkflowExecutionLogs(
    executionId: string,
    options?: RequestOptions,
  ): AsyncGenerator<ExecutionEvent, void, undefined> {
    return streamEvents(
      transport,
      { method: 'GET', path: path`/v1/workflows/executions/${executionId}/logs/stream` },
      options,
      { isTerminal: ({ event_type: type }) => lastEvents.has(type) },
    )
  },
})

export type WorkflowExecutionMethods = ReturnType<typeof workflowExecutionMethods>
