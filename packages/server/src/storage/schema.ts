import type { Generated } from 'kysely'

/**
 * The rows of the database, as both dialects hold them. Instants are whole microseconds since the Unix epoch (bigint),
 * JSON is text, flags are 0 or 1: one form everywhere, so a query reads the same on SQLite and PostgreSQL.
 */

export interface TenantRow {
  id: string
  slug: string
  name: string
  created_at: number
}

export interface UserRow {
  id: string
  tenant_id: string
  email: string
  password_hash: string
  is_admin: number
  created_at: number
}

export interface UserSessionRow {
  /** SHA-256 of the cookie's token. */
  token_hash: string
  user_id: string
  tenant_id: string
  email: string
  is_admin: number
  created_at: number
  expires_at: number
}

export interface ApiKeyRow {
  id: string
  tenant_id: string
  prefix: string
  /** SHA-256 of the full key, hex. */
  key_hash: string
  env: string
  label: string | null
  revoked_at: number | null
  created_at: number
}

export interface SigningKeyRow {
  id: string
  tenant_id: string
  public_key: Uint8Array
  private_key_sealed: Uint8Array
  active: number
  created_at: number
}

export interface BundleRow {
  id: string
  tenant_id: string
  name: string
  version: number
  revision_hash: string
  yaml_bytes: Uint8Array
  signature: Uint8Array | null
  contract_count: number | null
  source_hub_slug: string | null
  source_hub_revision: string | null
  uploaded_by: string
  composition_id: string | null
  composition_snapshot: string | null
  created_at: number
}

export interface DeploymentRow {
  /** Orders deployments that carry the same instant. */
  seq: Generated<number>
  id: string
  tenant_id: string
  env: string
  bundle_name: string
  bundle_version: number
  deployed_by: string
  created_at: number
}

export interface EventRow {
  /** In the order of storing. */
  seq: Generated<number>
  /** Made of what makes an event a duplicate (decision Q1), so that its uniqueness is the de-duplication. */
  id: string
  tenant_id: string
  call_id: string
  agent_id: string
  tool_name: string
  verdict: string
  mode: string
  env: string | null
  timestamp: number
  /** `payload.decision_name`, or ''. */
  decision_name: string
  payload: string | null
  created_at: number
}

export interface ApprovalRow {
  seq: Generated<number>
  id: string
  tenant_id: string
  agent_id: string
  tool_name: string
  tool_args: string | null
  message: string
  status: string
  env: string
  timeout_seconds: number
  timeout_effect: string
  decision_source: string | null
  contract_name: string | null
  decided_by: string | null
  decided_at: number | null
  decision_reason: string | null
  decided_via: string | null
  expires_at: number
  /** The runtime execution that waits, when the call came from one. */
  execution_id: string | null
  created_at: number
}

export interface AgentRegistrationRow {
  id: string
  tenant_id: string
  agent_id: string
  display_name: string | null
  tags: string
  bundle_name: string | null
  manifest: string | null
  /** Environment of the last connection. */
  env: string | null
  /** The bundle that its last connection named or was assigned. */
  running_bundle: string | null
  /** What it last reported. */
  policy_version: string | null
  last_seen_at: number | null
  created_at: number
  updated_at: number
}

export interface AssignmentRuleRow {
  id: string
  tenant_id: string
  priority: number
  pattern: string
  tag_match: string | null
  bundle_name: string
  env: string
  created_at: number
  updated_at: number
}

export interface SessionValueRow {
  tenant_id: string
  key: string
  value: string
  expires_at: number
}

export interface IdempotencyKeyRow {
  tenant_id: string
  /** Operation and key, for example `approval:3f…`. */
  key: string
  /** The answer given first, as JSON. */
  response: string
  expires_at: number
}

/** What live streams carry, kept for 24 hours so that a connection that comes back gets what it missed (decision D6). */
export interface StreamLogRow {
  id: Generated<number>
  tenant_id: string
  type: string
  /** JSON of the payload, `type` included. */
  data: string
  /** Agents of this environment receive it; null: not by environment. */
  env: string | null
  /** For `contract_update`: only agents that run this bundle. */
  bundle_name: string | null
  /** Only this agent receives it; null: not addressed to one. */
  agent_id: string | null
  /** 1 when dashboards receive it. */
  dashboard: number
  created_at: number
}

export interface SettingRow {
  name: string
  value: string
}

export interface TokenKeyRow {
  /** The `kid` of tokens signed with it. */
  id: string
  public_jwk: string
  /** PKCS #8, sealed. */
  private_key_sealed: Uint8Array
  created_at: number
}

export interface ServiceAccountRow {
  id: string
  tenant_id: string
  client_id: string
  name: string
  /** SHA-256 of the client secret, hex. */
  secret_hash: string
  role: string
  /** Space-separated permission scopes; null means those of the role. */
  scopes: string | null
  created_by: string
  created_at: number
  revoked_at: number | null
}

export interface AgentRow {
  id: string
  /** The tenant, or `aegis-system` for an agent every tenant sees. */
  tenant_id: string
  name: string
  version: string
  scope: string
  status: string
  /** JSON of the manifest. */
  manifest: string
  manifest_yaml: string
  created_at: number
  updated_at: number
}

export interface AgentVersionRow {
  seq: Generated<number>
  id: string
  agent_id: string
  version: string
  manifest_yaml: string
  created_at: number
}

export interface ExecutionRow {
  seq: Generated<number>
  id: string
  tenant_id: string
  agent_id: string
  agent_name: string
  agent_version: string
  /** JSON of the manifest it was started with: a redeploy does not change what runs. */
  manifest: string
  env: string
  status: string
  /** JSON of what the caller sent as `input`. */
  input: string
  intent: string | null
  /** The rendered prompt. */
  prompt: string
  /** JSON of the security context it was created with. */
  security_context: string
  started_by: string
  /** The server that supervises it, and when that one last said so. */
  owner: string
  heartbeat_at: number
  total_iterations: number
  output: string | null
  error: string | null
  started_at: number
  ended_at: number | null
  updated_at: number
}

export interface ExecutionIterationRow {
  execution_id: string
  /** From 1, without gaps. */
  number: number
  /** SHA-256 of the token in the address its instance was given. */
  token_hash: string
  status: string
  action: string
  instance_id: string | null
  exit_code: number | null
  output: string | null
  /** JSON `{message, details?}`. */
  error: string | null
  /** JSON of what the validators said. */
  validation: string | null
  /** JSON of the conversation while a command is out at the instance. */
  loop: string | null
  /** JSON list of tool calls. */
  trajectory: string
  /** JSON list of names of refused tools. */
  policy_violations: string
  started_at: number
  ended_at: number | null
}

export interface ExecutionEventRow {
  /** Orders the events of all executions of an agent. */
  id: Generated<number>
  execution_id: string
  /** From 1, without gaps within the execution. */
  sequence: number
  tenant_id: string
  agent_id: string
  type: string
  /** JSON of the event as streams carry it. */
  data: string
  created_at: number
}

/** One version of a contract of the library. */
export interface ContractRow {
  /** In the order of writing. */
  seq: Generated<number>
  id: string
  tenant_id: string
  contract_id: string
  version: number
  type: string
  name: string
  description: string | null
  /** JSON object. */
  definition: string
  /** JSON list of texts. */
  tags: string
  is_latest: number
  created_by: string
  created_at: number
}

/** What a bundle is assembled from. */
export interface CompositionRow {
  seq: Generated<number>
  id: string
  tenant_id: string
  name: string
  description: string | null
  defaults_mode: string
  update_strategy: string
  /** JSON object. */
  tools_config: string | null
  /** JSON object. */
  observability: string | null
  created_by: string
  created_at: number
  updated_at: number
}

export interface CompositionItemRow {
  seq: Generated<number>
  tenant_id: string
  composition_id: string
  contract_id: string
  pinned_version: number
  /** A newer version that is only observed beside the pinned one until it is promoted. */
  observed_version: number | null
  position: number
  mode_override: string | null
  enabled: number
}

export interface NotificationChannelRow {
  /** In the order of creation. */
  seq: Generated<number>
  id: string
  tenant_id: string
  name: string
  channel_type: string
  /** JSON of the whole configuration, sealed. */
  config_sealed: Uint8Array
  enabled: number
  /** JSON `{environments, agent_patterns, contract_names}`; null lets everything through. */
  filters: string | null
  /** The callback address that the platform was last told, where it must be told. */
  registered_url: string | null
  last_test_at: number | null
  last_test_ok: number | null
  created_at: number
}

/** One thing that one channel is to be told: written with what caused it, kept until long after it was told. */
export interface NotificationDeliveryRow {
  /** Of one channel and approval, the lower goes first. */
  seq: Generated<number>
  id: string
  tenant_id: string
  channel_id: string
  /** '' where it is not about an approval. */
  approval_id: string
  /** `requested`, `decided`, `expired` or `register`. */
  kind: string
  /** `waiting`, `sent` or `failed`. */
  status: string
  attempts: number
  /** Not before this instant; while one server delivers it, when the others may take it over. */
  due_at: number
  /** Who delivers it now. */
  claim: string | null
  /** JSON of where the platform put the message, so that it can be changed later. */
  reference: string | null
  last_error: string | null
  created_at: number
}

/** A server process that shares this database, as last heard of. */
export interface ServerProcessRow {
  id: string
  seen_at: number
}

/** An agent's open stream, for the other processes to see. */
export interface AgentPresenceRow {
  id: string
  process_id: string
  tenant_id: string
  agent_id: string
  env: string
  bundle_name: string | null
  policy_version: string | null
  connected_at: number
}

/** Which model serves a tenant's assistant. */
export interface AiSettingsRow {
  tenant_id: string
  provider: string
  api_key_sealed: Uint8Array | null
  model: string | null
  base_url: string | null
  updated_at: number
  updated_by: string
}

/** What one request of the assistant came to. */
export interface AiUsageRow {
  seq: Generated<number>
  tenant_id: string
  provider: string
  model: string
  input_tokens: number
  output_tokens: number
  duration_ms: number
  /** Millionths of a dollar; null when the price was not known. */
  cost: number | null
  request_type: string
  created_at: number
}

export interface Schema {
  ai_settings: AiSettingsRow
  ai_usage: AiUsageRow
  notification_channels: NotificationChannelRow
  notification_deliveries: NotificationDeliveryRow
  tenants: TenantRow
  users: UserRow
  user_sessions: UserSessionRow
  api_keys: ApiKeyRow
  signing_keys: SigningKeyRow
  bundles: BundleRow
  deployments: DeploymentRow
  events: EventRow
  approvals: ApprovalRow
  agent_registrations: AgentRegistrationRow
  assignment_rules: AssignmentRuleRow
  server_processes: ServerProcessRow
  agent_presence: AgentPresenceRow
  session_values: SessionValueRow
  idempotency_keys: IdempotencyKeyRow
  stream_log: StreamLogRow
  settings: SettingRow
  token_keys: TokenKeyRow
  service_accounts: ServiceAccountRow
  agents: AgentRow
  agent_versions: AgentVersionRow
  executions: ExecutionRow
  execution_iterations: ExecutionIterationRow
  execution_events: ExecutionEventRow
  contracts: ContractRow
  compositions: CompositionRow
  composition_items: CompositionItemRow
}
