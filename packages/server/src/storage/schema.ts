import type {
  IdempotencyKeyRow,
  JournalEntryRow,
  ServerProcessRow,
  SettingRow,
  StreamLogRow,
} from './schema/changes.ts'
import type { CortexDecayRow, CortexPatternRow, CortexTrajectoryRow, CortexUseRow } from './schema/cortex.ts'
import type { EventChainRow, EventCheckpointRow, EventLinkRow, EventRow } from './schema/events.ts'
import type {
  AgentPresenceRow,
  AgentRegistrationRow,
  AiSettingsRow,
  AiUsageRow,
  ApprovalRow,
  AssignmentRuleRow,
  BundleRow,
  CompositionItemRow,
  CompositionRow,
  ContractRow,
  DeploymentRow,
  GateDeploymentRow,
  GateDocumentRow,
  NotificationChannelRow,
  NotificationDeliveryRow,
  OfferedRulesetRow,
  SessionLeaseRow,
  SessionValueRow,
  SigningKeyRow,
  SkillScanRow,
} from './schema/governance.ts'
import type {
  AdministrativeActRow,
  ApiKeyRow,
  DeviceSignInRow,
  ExternalIdentityRow,
  IdentityProviderRow,
  InvitationRow,
  MemberRow,
  PasswordLinkRow,
  RecoveryCodeRow,
  RuntimeKeyRow,
  ServiceAccountRow,
  SignInRow,
  TenantRow,
  TokenKeyRow,
  UserRow,
  UserSessionRow,
} from './schema/identity.ts'
import type { BillingEventRow, NodeRow, SubscriptionRow } from './schema/installation.ts'
import type { IntentPipelineRow } from './schema/intents.ts'
import type { RateLimitCounterRow, RateLimitOverrideRow } from './schema/limits.ts'
import type {
  AgentRow,
  AgentVersionRow,
  ExecutionIterationRow,
  ExecutionRow,
  ExecutionTurnRow,
  GitBindingRow,
  ScriptRow,
  StorageViolationRow,
  VolumeFileRow,
  VolumeGarbageRow,
  VolumeMountRow,
  VolumeRow,
  VolumeUploadRow,
  WorkflowRow,
  WorkflowRunChildRow,
  WorkflowRunLogRow,
  WorkflowRunRow,
  WorkflowVersionRow,
} from './schema/runtime.ts'
import type {
  SealEnvelopeRow,
  SealSessionRow,
  SealTokenKeyRow,
  SealWorkloadRow,
  SecurityContextRow,
  SecurityIncidentRow,
} from './schema/seal.ts'
import type {
  CredentialGrantRow,
  CredentialRow,
  OAuthFlowRow,
  OAuthProviderRow,
  SecretRow,
  SecretVersionRow,
} from './schema/secrets.ts'
import type { SwarmLockRow, SwarmMessageRow, SwarmRow } from './schema/swarms.ts'
import type { ScheduleRow, StimulusRow, StimulusSourceRow } from './schema/triggers.ts'

export type * from './schema/changes.ts'
export type * from './schema/cortex.ts'
export type * from './schema/events.ts'
export type * from './schema/governance.ts'
export type * from './schema/identity.ts'
export type * from './schema/installation.ts'
export type * from './schema/intents.ts'
export type * from './schema/limits.ts'
export type * from './schema/runtime.ts'
export type * from './schema/seal.ts'
export type * from './schema/secrets.ts'
export type * from './schema/swarms.ts'
export type * from './schema/triggers.ts'

/**
 * The rows of the database, as both dialects hold them. Instants are whole microseconds since the Unix epoch (bigint),
 * JSON is text, flags are 0 or 1: one form everywhere, so a query reads the same on SQLite and PostgreSQL.
 */
export interface Schema {
  intent_pipelines: IntentPipelineRow
  swarms: SwarmRow
  swarm_locks: SwarmLockRow
  swarm_messages: SwarmMessageRow
  cortex_patterns: CortexPatternRow
  cortex_trajectories: CortexTrajectoryRow
  cortex_uses: CortexUseRow
  cortex_decays: CortexDecayRow
  nodes: NodeRow
  subscriptions: SubscriptionRow
  billing_events: BillingEventRow
  rate_limit_overrides: RateLimitOverrideRow
  rate_limit_counters: RateLimitCounterRow
  secrets: SecretRow
  secret_versions: SecretVersionRow
  credentials: CredentialRow
  credential_grants: CredentialGrantRow
  oauth_providers: OAuthProviderRow
  oauth_flows: OAuthFlowRow
  runtime_keys: RuntimeKeyRow
  security_contexts: SecurityContextRow
  seal_token_keys: SealTokenKeyRow
  seal_workloads: SealWorkloadRow
  seal_sessions: SealSessionRow
  seal_envelopes: SealEnvelopeRow
  security_incidents: SecurityIncidentRow
  ai_settings: AiSettingsRow
  ai_usage: AiUsageRow
  notification_channels: NotificationChannelRow
  notification_deliveries: NotificationDeliveryRow
  tenants: TenantRow
  members: MemberRow
  invitations: InvitationRow
  password_links: PasswordLinkRow
  recovery_codes: RecoveryCodeRow
  administrative_acts: AdministrativeActRow
  identity_providers: IdentityProviderRow
  sign_ins: SignInRow
  device_sign_ins: DeviceSignInRow
  external_identities: ExternalIdentityRow
  users: UserRow
  user_sessions: UserSessionRow
  api_keys: ApiKeyRow
  signing_keys: SigningKeyRow
  bundles: BundleRow
  offered_rulesets: OfferedRulesetRow
  skill_scans: SkillScanRow
  deployments: DeploymentRow
  gate_documents: GateDocumentRow
  gate_deployments: GateDeploymentRow
  events: EventRow
  event_chains: EventChainRow
  event_links: EventLinkRow
  event_checkpoints: EventCheckpointRow
  approvals: ApprovalRow
  agent_registrations: AgentRegistrationRow
  assignment_rules: AssignmentRuleRow
  server_processes: ServerProcessRow
  agent_presence: AgentPresenceRow
  session_values: SessionValueRow
  session_leases: SessionLeaseRow
  idempotency_keys: IdempotencyKeyRow
  stream_log: StreamLogRow
  settings: SettingRow
  token_keys: TokenKeyRow
  service_accounts: ServiceAccountRow
  agents: AgentRow
  workflows: WorkflowRow
  workflow_versions: WorkflowVersionRow
  workflow_runs: WorkflowRunRow
  workflow_run_children: WorkflowRunChildRow
  workflow_run_log: WorkflowRunLogRow
  stimulus_sources: StimulusSourceRow
  stimuli: StimulusRow
  schedules: ScheduleRow
  agent_versions: AgentVersionRow
  executions: ExecutionRow
  execution_iterations: ExecutionIterationRow
  execution_turns: ExecutionTurnRow
  journal_entries: JournalEntryRow
  volumes: VolumeRow
  volume_files: VolumeFileRow
  volume_uploads: VolumeUploadRow
  volume_garbage: VolumeGarbageRow
  volume_mounts: VolumeMountRow
  storage_violations: StorageViolationRow
  scripts: ScriptRow
  git_bindings: GitBindingRow
  contracts: ContractRow
  compositions: CompositionRow
  composition_items: CompositionItemRow
}
