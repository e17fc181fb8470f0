/**
 * What can be told, in one record for each type: its variant name, category and stage, the field that holds its time, and the fields
 * it always has, if only as null. `execution_id`, `agent_id` and the time are added when it is recorded.
 */
interface EventType<Field extends string> {
  readonly variant: string
  readonly category: string
  readonly stage: string
  /** Null: it has no time but the envelope's, or brings its own. */
  readonly at: string | null
  readonly fields: readonly Field[]
}

/** Types of a category and a stage. */
const of =
  (category: string, stage: string) =>
  <const Field extends string = never>(variant: string, at: string | null, ...fields: Field[]): EventType<Field> => ({
    variant,
    category,
    stage,
    at,
    fields,
  })

const agent = of('agent_lifecycle', 'agent')
const execution = of('execution', 'execution')
const iteration = of('execution', 'iteration')
const handler = of('execution', 'output_handler')
const llm = of('execution', 'llm')
const machine = of('execution', 'runtime')
const image = of('image_management', 'runtime')
const tool = of('mcp', 'tooling')
const command = of('command', 'tooling')
const approval = of('approval', 'tooling')
const seal = of('seal', 'security')
const policy = of('policy', 'security')
const workflow = of('workflow', 'workflow')
const container = of('container_run', 'container')
const rateLimit = of('rate_limit', 'rate_limit')
const storage = of('storage', 'storage')
const volume = of('volume', 'storage')
const git = of('git_repo', 'git_repo')
const script = of('script', 'script')
const credential = of('credential', 'credential')
const secret = of('secrets', 'secrets')
const iam = of('iam', 'identity')
const stimulus = of('stimulus', 'stimulus')
const learning = of('learning', 'learning')
const swarm = of('swarm', 'swarm')

export const eventTypes = {
  agent_deployed: agent('AgentDeployed', 'deployed_at', 'tenant_id', 'manifest'),
  agent_updated: agent('AgentUpdated', 'updated_at', 'tenant_id', 'old_version', 'new_version'),
  agent_paused: agent('AgentPaused', 'paused_at'),
  agent_resumed: agent('AgentResumed', 'resumed_at'),
  agent_removed: agent('AgentRemoved', 'removed_at', 'tenant_id'),
  agent_scope_changed: agent(
    'AgentScopeChanged',
    'changed_at',
    'agent_name',
    'previous_scope',
    'new_scope',
    'previous_tenant_id',
    'new_tenant_id',
    'changed_by',
  ),

  workflow_registered: workflow(
    'WorkflowRegistered',
    'registered_at',
    'workflow_id',
    'tenant_id',
    'name',
    'version',
    'scope',
  ),
  intent_execution_pipeline_started: workflow(
    'IntentExecutionPipelineStarted',
    'started_at',
    'pipeline_execution_id',
    'workflow_execution_id',
    'intent',
    'language',
    'workspace_volume_id',
  ),
  intent_execution_pipeline_completed: workflow(
    'IntentExecutionPipelineCompleted',
    'completed_at',
    'pipeline_execution_id',
    'workflow_execution_id',
    'tenant_id',
    'final_result',
    'duration_ms',
    'reused_existing_agent',
  ),
  intent_execution_pipeline_failed: workflow(
    'IntentExecutionPipelineFailed',
    'failed_at',
    'pipeline_execution_id',
    'workflow_execution_id',
    'failed_at_state',
    'reason',
  ),
  workflow_removed: workflow('WorkflowRemoved', 'removed_at', 'workflow_id', 'tenant_id', 'workflow_name'),
  workflow_scope_changed: workflow(
    'WorkflowScopeChanged',
    'changed_at',
    'workflow_id',
    'workflow_name',
    'previous_scope',
    'new_scope',
    'previous_tenant_id',
    'new_tenant_id',
    'changed_by',
  ),

  workflow_execution_started: workflow('WorkflowExecutionStarted', 'started_at', 'workflow_id'),
  workflow_state_entered: workflow('WorkflowStateEntered', 'entered_at', 'state_name'),
  workflow_state_exited: workflow('WorkflowStateExited', 'exited_at', 'state_name', 'output'),
  workflow_iteration_started: workflow('WorkflowIterationStarted', 'started_at', 'iteration_number'),
  workflow_iteration_completed: workflow('WorkflowIterationCompleted', 'completed_at', 'iteration_number', 'output'),
  workflow_iteration_failed: workflow('WorkflowIterationFailed', 'failed_at', 'iteration_number', 'error'),
  workflow_execution_completed: workflow('WorkflowExecutionCompleted', 'completed_at', 'final_blackboard'),
  workflow_execution_failed: workflow('WorkflowExecutionFailed', 'failed_at', 'reason'),
  workflow_execution_cancelled: workflow('WorkflowExecutionCancelled', 'cancelled_at'),
  subworkflow_triggered: workflow(
    'SubworkflowTriggered',
    'triggered_at',
    'parent_execution_id',
    'child_execution_id',
    'child_workflow_id',
    'mode',
    'parent_state_name',
  ),
  subworkflow_completed: workflow(
    'SubworkflowCompleted',
    'completed_at',
    'parent_execution_id',
    'child_execution_id',
    'result_key',
  ),
  subworkflow_failed: workflow('SubworkflowFailed', 'failed_at', 'parent_execution_id', 'child_execution_id', 'reason'),

  container_run_started: container('ContainerRunStarted', 'started_at', 'state_name', 'step_name', 'image', 'command'),
  container_run_completed: container(
    'ContainerRunCompleted',
    'completed_at',
    'state_name',
    'step_name',
    'exit_code',
    'stdout_bytes',
    'stderr_bytes',
    'duration_ms',
  ),
  container_run_failed: container('ContainerRunFailed', 'failed_at', 'state_name', 'step_name', 'reason'),
  parallel_container_run_aggregated: container(
    'ParallelContainerRunAggregated',
    'aggregated_at',
    'state_name',
    'total_steps',
    'succeeded',
    'failed',
    'strategy',
  ),

  pattern_discovered: learning('PatternDiscovered', 'discovered_at', 'execution_id', 'agent_id', 'pattern_category'),
  pattern_reinforced: learning('PatternReinforced', 'reinforced_at', 'execution_id', 'agent_id', 'delta'),
  pattern_decayed: learning('PatternDecayed', 'decayed_at', 'execution_id', 'agent_id', 'delta'),

  swarm_created: swarm('SwarmCreated', 'created_at', 'swarm_id', 'parent_execution_id'),
  swarm_child_spawned: swarm('ChildSpawned', 'spawned_at', 'swarm_id'),
  swarm_dissolved: swarm('SwarmDissolved', 'dissolved_at', 'swarm_id', 'reason'),
  swarm_lock_acquired: swarm('LockAcquired', null, 'swarm_id', 'resource_id', 'holder'),
  swarm_lock_released: swarm('LockReleased', null, 'swarm_id', 'resource_id'),
  swarm_message_broadcast: swarm('MessageBroadcast', null, 'swarm_id', 'from', 'recipient_count'),

  stimulus_received: stimulus('StimulusReceived', 'received_at', 'stimulus_id', 'source'),
  stimulus_classified: stimulus(
    'StimulusClassified',
    'classified_at',
    'stimulus_id',
    'workflow_id',
    'confidence',
    'routing_mode',
  ),
  stimulus_rejected: stimulus('StimulusRejected', 'rejected_at', 'stimulus_id', 'reason'),
  stimulus_classification_failed: stimulus('ClassificationFailed', 'failed_at', 'stimulus_id', 'error'),

  execution_started: execution('ExecutionStarted', 'started_at'),
  execution_completed: execution('ExecutionCompleted', 'completed_at', 'final_output', 'total_iterations'),
  execution_failed: execution('ExecutionFailed', 'failed_at', 'reason', 'total_iterations'),
  execution_cancelled: execution('ExecutionCancelled', 'cancelled_at', 'reason'),
  execution_timed_out: execution('ExecutionTimedOut', 'timed_out_at', 'timeout_seconds', 'total_iterations'),
  execution_resumed: execution('ExecutionResumed', 'resumed_at'),
  child_execution_spawned: execution(
    'ChildExecutionSpawned',
    'spawned_at',
    'parent_execution_id',
    'child_execution_id',
    'child_agent_id',
  ),
  child_execution_completed: execution('ChildExecutionCompleted', 'completed_at', 'child_execution_id', 'outcome'),
  iteration_started: iteration('IterationStarted', 'started_at', 'iteration_number', 'action'),
  iteration_completed: iteration('IterationCompleted', 'completed_at', 'iteration_number', 'output'),
  iteration_failed: iteration('IterationFailed', 'failed_at', 'iteration_number', 'error'),
  refinement_applied: iteration('RefinementApplied', 'applied_at', 'iteration_number', 'code_diff'),
  gradient_validation_performed: iteration(
    'GradientValidationPerformed',
    'validated_at',
    'iteration_number',
    'score',
    'confidence',
  ),
  multi_judge_consensus: iteration(
    'MultiJudgeConsensus',
    'reached_at',
    'iteration_number',
    'judge_scores',
    'final_score',
    'confidence',
  ),
  output_handler_started: handler('OutputHandlerStarted', null, 'handler_type'),
  output_handler_completed: handler('OutputHandlerCompleted', null, 'handler_type', 'result'),
  output_handler_failed: handler('OutputHandlerFailed', null, 'handler_type', 'error'),
  console_output: of('execution', 'console')('ConsoleOutput', 'timestamp', 'iteration_number', 'stream', 'content'),
  llm_interaction: llm(
    'LlmInteraction',
    'timestamp',
    'iteration_number',
    'provider',
    'model',
    'input_tokens',
    'output_tokens',
    'prompt',
    'response',
  ),
  llm_call_failed: llm(
    'LlmCallFailed',
    'timestamp',
    'iteration_number',
    'provider',
    'model',
    'error_class',
    'message',
    'attempts',
    'elapsed_ms',
    'fallback_attempted',
  ),
  instance_spawned: machine('InstanceSpawned', 'spawned_at', 'iteration_number', 'instance_id'),
  instance_terminated: machine('InstanceTerminated', 'terminated_at', 'iteration_number', 'instance_id'),
  network_access_denied: machine('NetworkAccessDenied', 'denied_at', 'host', 'port', 'reason'),
  image_pull_started: image('ImagePullStarted', 'started_at', 'image', 'pull_policy'),
  image_pull_completed: image('ImagePullCompleted', 'completed_at', 'image', 'source', 'duration_ms'),
  image_pull_failed: image('ImagePullFailed', 'failed_at', 'image', 'reason'),

  tool_server_registered: tool('ServerRegistered', 'registered_at', 'server_id', 'name', 'capabilities'),
  tool_server_started: tool('ServerStarted', 'started_at', 'server_id', 'name', 'process_id'),
  tool_server_stopped: tool('ServerStopped', 'stopped_at', 'server_id', 'name'),
  tool_server_failed: tool('ServerFailed', 'failed_at', 'server_id', 'name', 'error'),
  tool_server_unhealthy: tool('ServerUnhealthy', null, 'server_id', 'last_healthy'),
  tool_invocation_requested: tool('InvocationRequested', 'requested_at', 'invocation_id', 'tool_name', 'arguments'),
  tool_invocation_started: tool('InvocationStarted', 'started_at', 'invocation_id', 'server_id', 'tool_name'),
  tool_invocation_completed: tool('InvocationCompleted', 'completed_at', 'invocation_id', 'result', 'duration_ms'),
  tool_invocation_failed: tool('InvocationFailed', 'failed_at', 'invocation_id', 'error'),
  tool_policy_violation: tool('PolicyViolation', 'blocked_at', 'tool_name', 'violation_type', 'details'),
  approval_requested: approval(
    'ApprovalRequested',
    'requested_at',
    'approval_id',
    'tool_name',
    'prompt',
    'contract_name',
    'timeout_seconds',
  ),
  approval_resolved: approval('ApprovalResolved', 'resolved_at', 'approval_id', 'tool_name', 'outcome', 'decided_by'),
  command_execution_started: command(
    'CommandExecutionStarted',
    'started_at',
    'dispatch_id',
    'command',
    'args',
    'cwd',
    'timeout_secs',
  ),
  command_execution_completed: command(
    'CommandExecutionCompleted',
    'completed_at',
    'dispatch_id',
    'command',
    'exit_code',
    'stdout_bytes',
    'stderr_bytes',
    'duration_ms',
    'truncated',
  ),
  command_execution_failed: command('CommandExecutionFailed', 'failed_at', 'dispatch_id', 'command', 'reason'),
  command_policy_violation: command(
    'CommandPolicyViolation',
    'blocked_at',
    'tool_call_id',
    'command',
    'args',
    'violation_type',
  ),

  seal_attestation_completed: seal('AttestationCompleted', 'attested_at', 'security_context_name'),
  seal_session_created: seal('SessionCreated', 'created_at', 'session_id', 'security_context_name', 'expires_at'),
  seal_session_revoked: seal('SessionRevoked', 'revoked_at', 'session_id', 'reason'),
  seal_policy_violation_blocked: seal('PolicyViolationBlocked', 'blocked_at', 'tool_name', 'violation_type', 'details'),
  policy_violation_blocked: policy('PolicyViolationBlocked', 'blocked_at', 'violation_type', 'details'),

  file_read: storage('FileRead', 'read_at', 'volume_id', 'path', 'offset', 'bytes_read', 'duration_ms'),
  file_written: storage('FileWritten', 'written_at', 'volume_id', 'path', 'offset', 'bytes_written', 'duration_ms'),
  file_created: storage('FileCreated', 'created_at', 'volume_id', 'path'),
  file_deleted: storage('FileDeleted', 'deleted_at', 'volume_id', 'path'),
  directory_listed: storage('DirectoryListed', 'listed_at', 'volume_id', 'path', 'entry_count'),
  path_traversal_blocked: storage('PathTraversalBlocked', 'blocked_at', 'attempted_path'),
  filesystem_policy_violation: storage(
    'FilesystemPolicyViolation',
    'violated_at',
    'volume_id',
    'operation',
    'path',
    'policy_rule',
  ),
  quota_exceeded: storage('QuotaExceeded', 'exceeded_at', 'volume_id', 'requested_bytes', 'available_bytes'),
  unauthorized_volume_access: storage('UnauthorizedVolumeAccess', 'attempted_at', 'volume_id'),

  volume_created: volume(
    'VolumeCreated',
    'created_at',
    'volume_id',
    'storage_class',
    'remote_path',
    'size_limit_bytes',
  ),
  volume_attached: volume('VolumeAttached', 'attached_at', 'volume_id', 'instance_id', 'mount_point', 'access_mode'),
  volume_detached: volume('VolumeDetached', 'detached_at', 'volume_id', 'instance_id'),
  volume_deleted: volume('VolumeDeleted', 'deleted_at', 'volume_id'),
  volume_expired: volume('VolumeExpired', 'expired_at', 'volume_id'),
  volume_mount_failed: volume('VolumeMountFailed', 'failed_at', 'volume_id', 'instance_id', 'error'),
  volume_quota_exceeded: volume('VolumeQuotaExceeded', 'exceeded_at', 'volume_id', 'size_limit_bytes', 'actual_bytes'),
  user_volume_created: volume(
    'UserVolumeCreated',
    'created_at',
    'volume_id',
    'owner_user_id',
    'tenant_id',
    'label',
    'size_limit_bytes',
  ),
  user_volume_renamed: volume('UserVolumeRenamed', 'renamed_at', 'volume_id', 'old_label', 'new_label'),
  user_volume_deleted: volume('UserVolumeDeleted', 'deleted_at', 'volume_id', 'owner_user_id'),
  user_volume_quota_warning: volume(
    'UserVolumeQuotaWarning',
    'warned_at',
    'owner_user_id',
    'tenant_id',
    'usage_percent',
  ),

  rate_limit_exceeded: rateLimit(
    'Exceeded',
    'timestamp',
    'user_id',
    'tenant_id',
    'resource_type',
    'bucket',
    'limit',
    'counter',
  ),
  rate_limit_warning: rateLimit(
    'Warning',
    'timestamp',
    'user_id',
    'tenant_id',
    'resource_type',
    'bucket',
    'limit',
    'current',
    'threshold_percent',
  ),

  admin_cross_tenant_access: of('tenant', 'tenant')(
    'AdminCrossTenantAccess',
    'accessed_at',
    'admin_identity',
    'target_tenant_id',
  ),
  tenant_context_switched: of('tenant', 'tenant')(
    'TenantContextSwitched',
    'switched_at',
    'caller_user_id',
    'from_tenant_id',
    'to_tenant_id',
    'via_header',
  ),
  tenant_quota_exceeded: of('tenant', 'tenant')(
    'TenantQuotaExceeded',
    'exceeded_at',
    'tenant_slug',
    'quota_kind',
    'current_value',
    'limit',
  ),

  git_repo_binding_created: git('BindingCreated', 'created_at', 'id', 'repo_url', 'git_ref', 'volume_id'),
  git_repo_clone_started: git('CloneStarted', 'started_at', 'id', 'volume_id', 'strategy'),
  git_repo_clone_completed: git('CloneCompleted', 'completed_at', 'id', 'commit_sha', 'duration_ms'),
  git_repo_clone_failed: git('CloneFailed', 'failed_at', 'id', 'error'),
  git_repo_refresh_started: git('RefreshStarted', 'started_at', 'id'),
  git_repo_refresh_completed: git(
    'RefreshCompleted',
    'completed_at',
    'id',
    'old_commit_sha',
    'new_commit_sha',
    'duration_ms',
  ),
  git_repo_refresh_failed: git('RefreshFailed', 'failed_at', 'id', 'error'),
  git_repo_binding_deleted: git('BindingDeleted', 'deleted_at', 'id', 'volume_id'),
  git_repo_commit_made: git('CommitMade', 'committed_at', 'id', 'commit_sha'),
  git_repo_push_completed: git('PushCompleted', 'pushed_at', 'id', 'remote', 'ref_name'),
  script_created: script('Created', 'created_at', 'id', 'tenant_id', 'name', 'version'),
  script_updated: script('Updated', 'updated_at', 'id', 'name', 'new_version'),
  script_deleted: script('Deleted', 'deleted_at', 'id'),

  credential_created: credential(
    'CredentialCreated',
    null,
    'binding_id',
    'owner_user_id',
    'tenant_id',
    'provider',
    'credential_type',
  ),
  credential_revoked: credential('CredentialRevoked', null, 'binding_id', 'tenant_id'),
  credential_rotated: credential('CredentialRotated', null, 'binding_id', 'tenant_id'),
  credential_granted: credential('CredentialGranted', null, 'binding_id', 'grant_id', 'target', 'granted_by'),
  credential_grant_revoked: credential('CredentialGrantRevoked', null, 'binding_id', 'grant_id'),
  credential_accessed: credential('CredentialAccessed', null, 'binding_id', 'tenant_id'),
  secret_retrieved: secret('SecretRetrieved', 'retrieved_at', 'engine', 'path', 'access_context'),
  secret_written: secret('SecretWritten', 'written_at', 'engine', 'path', 'access_context'),
  secret_access_denied: secret('SecretAccessDenied', 'denied_at', 'engine', 'path', 'reason', 'access_context'),

  user_authenticated: iam('UserAuthenticated', 'authenticated_at', 'sub', 'realm_slug', 'identity_kind'),
  token_validation_failed: iam('TokenValidationFailed', 'attempted_at', 'realm_slug', 'reason'),
  service_account_provisioned: iam(
    'ServiceAccountProvisioned',
    'provisioned_at',
    'client_id',
    'realm_slug',
    'grant_type',
  ),
  service_account_revoked: iam('ServiceAccountRevoked', 'revoked_at', 'client_id', 'realm_slug', 'reason'),
} as const

export type EventTypeName = keyof typeof eventTypes

/** The fields that an event of a type always has. */
export type FieldsOf<Type extends EventTypeName> = Readonly<
  Record<(typeof eventTypes)[Type]['fields'][number], unknown>
>

/** What else there is to tell. */
export type More = Readonly<Record<string, unknown>>
