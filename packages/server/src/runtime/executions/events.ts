import { toWireTime } from '../../storage/instants.ts'

/**
 * What happened in an execution (aegis-runtime §14.4). Each type has its variant name, category, stage and fixed message;
 * the fields are the catalogue's, with `execution_id` and `agent_id` added when it is recorded.
 */
const catalogue = {
  execution_started: ['ExecutionStarted', 'execution', 'execution'],
  iteration_started: ['IterationStarted', 'execution', 'iteration'],
  iteration_completed: ['IterationCompleted', 'execution', 'iteration'],
  iteration_failed: ['IterationFailed', 'execution', 'iteration'],
  refinement_applied: ['RefinementApplied', 'execution', 'iteration'],
  execution_completed: ['ExecutionCompleted', 'execution', 'execution'],
  execution_failed: ['ExecutionFailed', 'execution', 'execution'],
  execution_cancelled: ['ExecutionCancelled', 'execution', 'execution'],
  execution_timed_out: ['ExecutionTimedOut', 'execution', 'execution'],
  console_output: ['ConsoleOutput', 'execution', 'console'],
  llm_interaction: ['LlmInteraction', 'execution', 'llm'],
  llm_call_failed: ['LlmCallFailed', 'execution', 'llm'],
  instance_spawned: ['InstanceSpawned', 'execution', 'runtime'],
  instance_terminated: ['InstanceTerminated', 'execution', 'runtime'],
  gradient_validation_performed: ['GradientValidationPerformed', 'execution', 'iteration'],
  tool_invocation_requested: ['InvocationRequested', 'mcp', 'tooling'],
  tool_invocation_completed: ['InvocationCompleted', 'mcp', 'tooling'],
  tool_invocation_failed: ['InvocationFailed', 'mcp', 'tooling'],
  tool_policy_violation: ['PolicyViolation', 'mcp', 'tooling'],
  command_execution_started: ['CommandExecutionStarted', 'command', 'tooling'],
  command_execution_completed: ['CommandExecutionCompleted', 'command', 'tooling'],
  command_execution_failed: ['CommandExecutionFailed', 'command', 'tooling'],
  path_traversal_blocked: ['PathTraversalBlocked', 'storage', 'storage'],
  approval_requested: ['ApprovalRequested', 'approval', 'tooling'],
  approval_resolved: ['ApprovalResolved', 'approval', 'tooling'],
} as const satisfies Record<string, readonly [variant: string, category: string, stage: string]>

export type ExecutionEventType = keyof typeof catalogue

export const terminalTypes: ReadonlySet<string> = new Set<ExecutionEventType>([
  'execution_completed',
  'execution_failed',
  'execution_cancelled',
  'execution_timed_out',
])

/** An event before it has its place in the execution. */
export interface EventDraft {
  readonly type: ExecutionEventType
  readonly fields: Readonly<Record<string, unknown>>
}

export const draft = (type: ExecutionEventType, fields: Readonly<Record<string, unknown>> = {}): EventDraft => ({
  type,
  fields,
})

/** Which time field a type carries, beside the envelope's `timestamp`. */
const timeFields: Partial<Record<ExecutionEventType, string>> = {
  execution_started: 'started_at',
  iteration_started: 'started_at',
  iteration_completed: 'completed_at',
  iteration_failed: 'failed_at',
  refinement_applied: 'applied_at',
  execution_completed: 'completed_at',
  execution_failed: 'failed_at',
  execution_cancelled: 'cancelled_at',
  execution_timed_out: 'timed_out_at',
  console_output: 'timestamp',
  llm_interaction: 'timestamp',
  llm_call_failed: 'timestamp',
  instance_spawned: 'spawned_at',
  instance_terminated: 'terminated_at',
  gradient_validation_performed: 'validated_at',
  tool_invocation_requested: 'requested_at',
  tool_invocation_completed: 'completed_at',
  tool_invocation_failed: 'failed_at',
  tool_policy_violation: 'blocked_at',
  command_execution_started: 'started_at',
  command_execution_completed: 'completed_at',
  command_execution_failed: 'failed_at',
  path_traversal_blocked: 'blocked_at',
  approval_requested: 'requested_at',
  approval_resolved: 'resolved_at',
}

/**
 * The event as streams carry it: the fields flat, under their own type, and under `details`, so that clients of every
 * generation find them where they look (aegis-api §6.3).
 */
export function envelopeOf(
  event: EventDraft,
  place: { executionId: string; agentId: string; sequence: number; at: number },
): Record<string, unknown> {
  const [variant, category, stage] = catalogue[event.type]
  const timestamp = toWireTime(place.at)
  const timeField = timeFields[event.type]
  const fields = {
    execution_id: place.executionId,
    agent_id: place.agentId,
    ...event.fields,
    ...(timeField ? { [timeField]: timestamp } : {}),
  }
  return {
    ...fields,
    type: event.type,
    event_type: event.type,
    category,
    timestamp,
    iteration: event.fields.iteration_number ?? null,
    stage,
    message: messageOf(event, place.executionId),
    sequence: place.sequence,
    [event.type]: fields,
    details: {
      type: category,
      ...(event.type === 'gradient_validation_performed'
        ? { Validation: { [variant]: fields } }
        : { [variant]: fields }),
    },
  }
}

const LONGEST_ACTION = 200

function messageOf({ type, fields }: EventDraft, executionId: string): string {
  const n = fields.iteration_number
  switch (type) {
    case 'execution_started':
      return `Execution ${executionId} started`
    case 'iteration_started':
      return `Iteration ${n} started: ${String(fields.action).slice(0, LONGEST_ACTION)}`
    case 'iteration_completed':
      return `Iteration ${n} completed`
    case 'iteration_failed':
      return `Iteration ${n} failed: ${(fields.error as { message?: string } | undefined)?.message ?? ''}`
    case 'refinement_applied':
      return `Applied refinement after iteration ${n}`
    case 'execution_completed':
      return `Execution completed after ${fields.total_iterations} iterations`
    case 'execution_failed':
      return `Execution failed: ${fields.reason}`
    case 'execution_cancelled':
      return fields.reason ? `Execution cancelled: ${fields.reason}` : 'Execution cancelled'
    case 'execution_timed_out':
      return `Execution timed out after ${fields.timeout_seconds}s`
    default:
      return type.replaceAll('_', ' ')
  }
}
