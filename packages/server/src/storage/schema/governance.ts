import type { Generated } from 'kysely'

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

/** A version of a document of kind Workflow. */
export interface GateDocumentRow {
  id: string
  tenant_id: string
  name: string
  version: number
  revision_hash: string
  yaml_bytes: Uint8Array
  stage_count: number
  uploaded_by: string
  created_at: number
}

/** The gates that the agents of a bundle go through from then on; the newest of an environment and bundle holds. */
export interface GateDeploymentRow {
  seq: Generated<number>
  id: string
  tenant_id: string
  env: string
  bundle_name: string
  /** Null, as the version: none. */
  gates_name: string | null
  gates_version: number | null
  deployed_by: string
  created_at: number
}

/** A bundle as agents that read only rulesets are given it. */
export interface OfferedRulesetRow {
  bundle_id: string
  tenant_id: string
  /** Hash of the stored bytes. */
  stored_hash: string
  /** Hash of these bytes. */
  revision_hash: string
  yaml_bytes: Uint8Array
  signature: Uint8Array | null
}

/** What a scan of an agent's skills found, the newest of each key and folder. */
export interface SkillScanRow {
  tenant_id: string
  key_id: string
  skills_dir: string
  env: string
  /** JSON. */
  report: string
  received_at: number
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
  /** What asks: with `subject_id`, or both null when an agent with an SDK asks. */
  subject_kind: string | null
  subject_id: string | null
  /** The API key that asked. */
  asked_by: string | null
  /** SHA-256 of the action, hex. */
  action_digest: string | null
  /** JSON `{publicKey, signature}`. */
  receipt: string | null
  consumed_at: number | null
  asker_seen_at: number | null
  /** The arguments as lists show them, where they do not show them whole. */
  args_preview: string | null
  created_at: number
  /** The agent's own name for what the call belongs to. */
  session_id: string | null
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
  /** What it was assigned when it last came without a bundle of its own; clients name that one from then on. */
  assigned_bundle: string | null
  /** `contracts` or `rulesets`, by what it was last heard to speak. */
  reads: string | null
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

/** An execution of a session that was begun and has not ended. */
export interface SessionLeaseRow {
  id: string
  tenant_id: string
  session: string
  tool: string
  expires_at: number
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
