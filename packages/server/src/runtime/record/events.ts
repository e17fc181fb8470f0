import type { EntryPlace } from '../../changes/journal/journal.ts'
import { toWireTime } from '../../storage/instants.ts'

/**
 * What happened to an agent, in an execution, or to a thing of a tenant. Each type has its variant name, category, stage and fixed message;
 * the fields are the catalogue's, with `execution_id` and `agent_id` added when it is recorded.
 */
const catalogue = {
  agent_deployed: ['AgentDeployed', 'agent_lifecycle', 'agent'],
  agent_updated: ['AgentUpdated', 'agent_lifecycle', 'agent'],
  agent_paused: ['AgentPaused', 'agent_lifecycle', 'agent'],
  agent_resumed: ['AgentResumed', 'agent_lifecycle', 'agent'],
  agent_removed: ['AgentRemoved', 'agent_lifecycle', 'agent'],
  agent_scope_changed: ['AgentScopeChanged', 'agent_lifecycle', 'agent'],
  workflow_registered: ['WorkflowRegistered', 'workflow', 'workflow'],
  workflow_removed: ['WorkflowRemoved', 'workflow', 'workflow'],
  workflow_scope_changed: ['WorkflowScopeChanged', 'workflow', 'workflow'],
  execution_started: ['ExecutionStarted', 'execution', 'execution'],
  iteration_started: ['IterationStarted', 'execution', 'iteration'],
  iteration_completed: ['IterationCompleted', 'execution', 'iteration'],
  iteration_failed: ['IterationFailed', 'execution', 'iteration'],
  refinement_applied: ['RefinementApplied', 'execution', 'iteration'],
  execution_completed: ['ExecutionCompleted', 'execution', 'execution'],
  execution_failed: ['ExecutionFailed', 'execution', 'execution'],
  execution_cancelled: ['ExecutionCancelled', 'execution', 'execution'],
  execution_timed_out: ['ExecutionTimedOut', 'execution', 'execution'],
  execution_resumed: ['ExecutionResumed', 'execution', 'execution'],
  child_execution_spawned: ['ChildExecutionSpawned', 'execution', 'execution'],
  child_execution_completed: ['ChildExecutionCompleted', 'execution', 'execution'],
  output_handler_started: ['OutputHandlerStarted', 'execution', 'output_handler'],
  output_handler_completed: ['OutputHandlerCompleted', 'execution', 'output_handler'],
  output_handler_failed: ['OutputHandlerFailed', 'execution', 'output_handler'],
  console_output: ['ConsoleOutput', 'execution', 'console'],
  llm_interaction: ['LlmInteraction', 'execution', 'llm'],
  llm_call_failed: ['LlmCallFailed', 'execution', 'llm'],
  instance_spawned: ['InstanceSpawned', 'execution', 'runtime'],
  instance_terminated: ['InstanceTerminated', 'execution', 'runtime'],
  image_pull_started: ['ImagePullStarted', 'image', 'runtime'],
  image_pull_completed: ['ImagePullCompleted', 'image', 'runtime'],
  image_pull_failed: ['ImagePullFailed', 'image', 'runtime'],
  network_access_denied: ['NetworkAccessDenied', 'execution', 'runtime'],
  gradient_validation_performed: ['GradientValidationPerformed', 'execution', 'iteration'],
  multi_judge_consensus: ['MultiJudgeConsensus', 'execution', 'iteration'],
  tool_invocation_requested: ['InvocationRequested', 'mcp', 'tooling'],
  tool_invocation_started: ['InvocationStarted', 'mcp', 'tooling'],
  tool_invocation_completed: ['InvocationCompleted', 'mcp', 'tooling'],
  tool_invocation_failed: ['InvocationFailed', 'mcp', 'tooling'],
  tool_policy_violation: ['PolicyViolation', 'mcp', 'tooling'],
  command_execution_started: ['CommandExecutionStarted', 'command', 'tooling'],
  command_execution_completed: ['CommandExecutionCompleted', 'command', 'tooling'],
  command_execution_failed: ['CommandExecutionFailed', 'command', 'tooling'],
  path_traversal_blocked: ['PathTraversalBlocked', 'storage', 'storage'],
  git_repo_binding_created: ['BindingCreated', 'git_repo', 'git_repo'],
  git_repo_clone_started: ['CloneStarted', 'git_repo', 'git_repo'],
  git_repo_clone_completed: ['CloneCompleted', 'git_repo', 'git_repo'],
  git_repo_clone_failed: ['CloneFailed', 'git_repo', 'git_repo'],
  git_repo_refresh_started: ['RefreshStarted', 'git_repo', 'git_repo'],
  git_repo_refresh_completed: ['RefreshCompleted', 'git_repo', 'git_repo'],
  git_repo_refresh_failed: ['RefreshFailed', 'git_repo', 'git_repo'],
  git_repo_binding_deleted: ['BindingDeleted', 'git_repo', 'git_repo'],
  git_repo_commit_made: ['CommitMade', 'git_repo', 'git_repo'],
  git_repo_push_completed: ['PushCompleted', 'git_repo', 'git_repo'],
  script_created: ['Created', 'script', 'script'],
  script_updated: ['Updated', 'script', 'script'],
  script_deleted: ['Deleted', 'script', 'script'],
  secret_retrieved: ['SecretRetrieved', 'secrets', 'secrets'],
  credential_accessed: ['CredentialAccessed', 'credential', 'credential'],
  secret_written: ['SecretWritten', 'secrets', 'secrets'],
  secret_access_denied: ['SecretAccessDenied', 'secrets', 'secrets'],
  credential_created: ['CredentialCreated', 'credential', 'credential'],
  credential_revoked: ['CredentialRevoked', 'credential', 'credential'],
  credential_rotated: ['CredentialRotated', 'credential', 'credential'],
  credential_granted: ['CredentialGranted', 'credential', 'credential'],
  credential_grant_revoked: ['CredentialGrantRevoked', 'credential', 'credential'],
  tool_server_registered: ['ServerRegistered', 'mcp', 'tooling'],
  tool_server_started: ['ServerStarted', 'mcp', 'tooling'],
  tool_server_stopped: ['ServerStopped', 'mcp', 'tooling'],
  tool_server_failed: ['ServerFailed', 'mcp', 'tooling'],
  tool_server_unhealthy: ['ServerUnhealthy', 'mcp', 'tooling'],
  filesystem_policy_violation: ['FilesystemPolicyViolation', 'storage', 'storage'],
  quota_exceeded: ['QuotaExceeded', 'storage', 'storage'],
  unauthorized_volume_access: ['UnauthorizedVolumeAccess', 'storage', 'storage'],
  volume_created: ['VolumeCreated', 'volume', 'storage'],
  volume_attached: ['VolumeAttached', 'volume', 'storage'],
  volume_detached: ['VolumeDetached', 'volume', 'storage'],
  volume_deleted: ['VolumeDeleted', 'volume', 'storage'],
  volume_expired: ['VolumeExpired', 'volume', 'storage'],
  user_volume_created: ['UserVolumeCreated', 'volume', 'storage'],
  user_volume_renamed: ['UserVolumeRenamed', 'volume', 'storage'],
  user_volume_deleted: ['UserVolumeDeleted', 'volume', 'storage'],
  approval_requested: ['ApprovalRequested', 'approval', 'tooling'],
  approval_resolved: ['ApprovalResolved', 'approval', 'tooling'],
} as const satisfies Record<string, readonly [variant: string, category: string, stage: string]>

export type ExecutionEventType = keyof typeof catalogue

const terminalTypes: ReadonlySet<string> = new Set<ExecutionEventType>([
  'execution_completed',
  'execution_failed',
  'execution_cancelled',
  'execution_timed_out',
])

/** Nothing comes after an event of this type. */
export const isTerminal = (type: string): boolean => terminalTypes.has(type)

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
  agent_deployed: 'deployed_at',
  agent_updated: 'updated_at',
  agent_paused: 'paused_at',
  agent_resumed: 'resumed_at',
  agent_removed: 'removed_at',
  agent_scope_changed: 'changed_at',
  workflow_registered: 'registered_at',
  workflow_removed: 'removed_at',
  workflow_scope_changed: 'changed_at',
  execution_started: 'started_at',
  iteration_started: 'started_at',
  iteration_completed: 'completed_at',
  iteration_failed: 'failed_at',
  refinement_applied: 'applied_at',
  execution_completed: 'completed_at',
  execution_failed: 'failed_at',
  execution_cancelled: 'cancelled_at',
  execution_timed_out: 'timed_out_at',
  execution_resumed: 'resumed_at',
  child_execution_spawned: 'spawned_at',
  child_execution_completed: 'completed_at',
  console_output: 'timestamp',
  llm_interaction: 'timestamp',
  llm_call_failed: 'timestamp',
  instance_spawned: 'spawned_at',
  instance_terminated: 'terminated_at',
  image_pull_started: 'started_at',
  image_pull_completed: 'completed_at',
  image_pull_failed: 'failed_at',
  network_access_denied: 'denied_at',
  gradient_validation_performed: 'validated_at',
  multi_judge_consensus: 'reached_at',
  tool_invocation_requested: 'requested_at',
  tool_invocation_started: 'started_at',
  tool_invocation_completed: 'completed_at',
  tool_invocation_failed: 'failed_at',
  tool_policy_violation: 'blocked_at',
  command_execution_started: 'started_at',
  command_execution_completed: 'completed_at',
  command_execution_failed: 'failed_at',
  path_traversal_blocked: 'blocked_at',
  git_repo_binding_created: 'created_at',
  git_repo_clone_started: 'started_at',
  git_repo_clone_completed: 'completed_at',
  git_repo_clone_failed: 'failed_at',
  git_repo_refresh_started: 'started_at',
  git_repo_refresh_completed: 'completed_at',
  git_repo_refresh_failed: 'failed_at',
  git_repo_binding_deleted: 'deleted_at',
  git_repo_commit_made: 'committed_at',
  git_repo_push_completed: 'pushed_at',
  script_created: 'created_at',
  script_updated: 'updated_at',
  script_deleted: 'deleted_at',
  secret_written: 'written_at',
  secret_access_denied: 'denied_at',
  tool_server_registered: 'registered_at',
  tool_server_started: 'started_at',
  tool_server_stopped: 'stopped_at',
  tool_server_failed: 'failed_at',
  filesystem_policy_violation: 'violated_at',
  quota_exceeded: 'exceeded_at',
  unauthorized_volume_access: 'attempted_at',
  volume_created: 'created_at',
  volume_attached: 'attached_at',
  volume_detached: 'detached_at',
  volume_deleted: 'deleted_at',
  volume_expired: 'expired_at',
  user_volume_created: 'created_at',
  user_volume_renamed: 'renamed_at',
  user_volume_deleted: 'deleted_at',
  approval_requested: 'requested_at',
  approval_resolved: 'resolved_at',
}

/**
 * The event as streams carry it: the fields flat, under their own type, and under `details`, so that clients of every
 * generation find them where they look.
 */
export function envelopeOf(event: EventDraft, { subject, sequence, at }: EntryPlace): Record<string, unknown> {
  const [variant, category, stage] = catalogue[event.type]
  const timestamp = toWireTime(at)
  const timeField = timeFields[event.type]
  const fields = {
    execution_id: subject.kind === 'execution' ? subject.id : null,
    agent_id: subject.agentId,
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
    message: messageOf(event, subject.id),
    sequence,
    [event.type]: fields,
    details: {
      type: category,
      ...(event.type === 'gradient_validation_performed' || event.type === 'multi_judge_consensus'
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
    case 'execution_resumed':
      return `Execution resumed after its server was interrupted`
    case 'child_execution_spawned':
      return `Child execution ${fields.child_execution_id} started`
    case 'child_execution_completed':
      return `Child execution ${fields.child_execution_id} ended: ${fields.outcome}`
    case 'execution_failed':
      return `Execution failed: ${fields.reason}`
    case 'execution_cancelled':
      return fields.reason ? `Execution cancelled: ${fields.reason}` : 'Execution cancelled'
    case 'execution_timed_out':
      return `Execution timed out after ${fields.timeout_seconds}s`
    case 'network_access_denied':
      return `Network access denied: ${fields.host}:${fields.port}`
    default:
      return type.replaceAll('_', ' ')
  }
}
