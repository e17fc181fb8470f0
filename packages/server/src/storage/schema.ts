import type { ColumnType, Generated } from 'kysely'

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
  /** Of the events of one commit, which have numbers without a gap, in their order. */
  seq: Generated<number>
  /** Made of what makes an event a duplicate, so that its uniqueness is the de-duplication. */
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
  /** The payload as lists show it, where they do not show it whole. */
  preview: string | null
  created_at: number
}

/** How far the chain of a tenant's events goes. */
export interface EventChainRow {
  tenant_id: string
  /** The number of the last link. */
  links: number
  /** The place in the order of arrival that the next event gets. */
  next_seq: number
  /** Of the last link, or 32 zero bytes. */
  digest: Uint8Array
  /** What is left begins with this link; purges took the earlier ones. */
  first_link: number
  first_seq: number
  /** Of the link before it. */
  first_digest: Uint8Array
  /** The number of the last event that was stored before chains were kept. */
  unchained: Generated<number>
  /** A purge of what arrived before this instant was begun and not finished. */
  purging_before: number | null
}

/** A link of a tenant's chain: the events of one commit, or an entry that stands for itself. */
export interface EventLinkRow {
  tenant_id: string
  /** From 1, without gaps. */
  number: number
  /** The place in the order of arrival of its first event; of an entry, of the event that follows. */
  first: number
  /** Of events. */
  count: number
  /** `seq` of its first event; null for an entry. */
  start: number | null
  /** Of its events, one behind the other. */
  digests: Uint8Array | null
  /** JSON; null for events. */
  entry: string | null
  digest: Uint8Array
  arrived_at: number
}

/** A signature over how far a chain went. */
export interface EventCheckpointRow {
  tenant_id: string
  /** Of the link. */
  number: number
  /** JSON of what was signed. */
  statement: string
  public_key: Uint8Array
  signature: Uint8Array
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

/** An execution of a session that was begun and has not ended. */
export interface SessionLeaseRow {
  id: string
  tenant_id: string
  session: string
  tool: string
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

/** What live streams carry, kept for 24 hours so that a connection that comes back gets what it missed. */
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
  waiting_for: 'place' | 'person' | 'child' | null
  started_at: number
  ended_at: number | null
  updated_at: number
  /** Counts who has run it: a server that was thought dead changes nothing any more. */
  generation: ColumnType<number, number | undefined, number>
  /** How often it was taken over since its last turn. */
  adoptions: ColumnType<number, number | undefined, number>
  /** Milliseconds of its time limit that are used up. */
  spent_ms: ColumnType<number, number | undefined, number>
  /** The execution that began it. */
  parent_id: string | null
  /** What the parent knows it by. */
  child_key: string | null
  /** JSON list of ids, from the first of the family to its parent. */
  ancestors: ColumnType<string, string | undefined, string>
  /** 1 when its parent's journal says that it has ended. */
  end_told: ColumnType<number, number | undefined, number>
}

/** One entry of what was said and done in an attempt. */
export interface ExecutionTurnRow {
  execution_id: string
  iteration: number
  position: number
  kind: string
  /** JSON of the entry. */
  data: string
  created_at: number
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
  /** JSON list of tool calls. */
  trajectory: string
  /** What the instance wrote to its standard error; null until it has ended by itself. */
  stderr: string | null
  /** JSON of what later attempts are told of this one. */
  history: string | null
  /** Milliseconds of the execution's time that were used up when it began. */
  spent_before_ms: ColumnType<number, number | undefined, number>
  /** JSON list of names of refused tools. */
  policy_violations: string
  started_at: number
  ended_at: number | null
}

export interface JournalEntryRow {
  /** Orders what happened to all subjects. */
  id: Generated<number>
  subject_kind: string
  subject_id: string
  /** From 1, without gaps within the subject. */
  sequence: number
  tenant_id: string
  /** The agent that the subject is of, where it is of one. */
  agent_id: string | null
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

/** A secret of the server's own store; its values are rows of their own. */
export interface SecretRow {
  tenant_id: string
  path: string
  /** The newest. */
  version: number
  created_at: number
  updated_at: number
}

export interface SecretVersionRow {
  tenant_id: string
  path: string
  version: number
  /** JSON of the fields and of where they belong, sealed; null once it was destroyed. */
  value_sealed: Uint8Array | null
  created_at: number
}

/** What stands for somebody at a provider. Its value is in the secret store. */
export interface CredentialRow {
  id: string
  tenant_id: string
  /** Whose it is: a principal. */
  owner_id: string
  label: string
  provider: string
  credential_type: string
  /** `personal` or `team:<uuid>`. */
  scope: string
  status: string
  /** JSON list of texts. */
  scopes: string
  /** JSON object. */
  metadata: string
  created_at: number
  updated_at: number
  last_used_at: number | null
}

export interface CredentialGrantRow {
  id: string
  tenant_id: string
  credential_id: string
  /** `agent`, `workflow` or `all_agents`. */
  target_type: string
  target_value: string | null
  permission_type: string
  granted_by: string
  created_at: number
}

/** An authorization server that a tenant's credentials come from. */
export interface OAuthProviderRow {
  tenant_id: string
  name: string
  /** JSON of its addresses and of who this server is to it, sealed. */
  settings_sealed: Uint8Array
  created_at: number
  updated_at: number
}

/** A sign-in at a provider that was begun. */
export interface OAuthFlowRow {
  /** SHA-256 of the state or of the device code, hex. */
  id: string
  tenant_id: string
  provider: string
  /** A principal. */
  started_by: string
  kind: string
  /** JSON of what the other half of the flow needs, sealed. */
  flow_sealed: Uint8Array
  created_at: number
  expires_at: number
}

/** An API key of the runtime API. */
export interface RuntimeKeyRow {
  id: string
  tenant_id: string
  name: string
  /** SHA-256 of the key, hex. */
  key_hash: string
  /** Space-separated permission scopes. */
  scopes: string
  role: string
  /** `user` or `service_account`, with the id of the user or the client id of the account. */
  owner_kind: string
  owner_id: string
  created_at: number
  expires_at: number | null
  last_used_at: number | null
  revoked_at: number | null
}

/** A script that is kept for later use. */
export interface ScriptRow {
  id: string
  tenant_id: string
  /** `tenant` or `user`, and which of them. */
  owner_kind: string
  owner_id: string
  name: string
  code: string
  description: string
  /** JSON list. */
  tags: string
  /** From 1. */
  version: number
  created_by: string
  created_at: number
  updated_at: number
}

/** A git repository that was cloned into a volume. */
export interface GitBindingRow {
  id: string
  tenant_id: string
  volume_id: string
  repo_url: string
  /** `branch`, `tag` or `commit`. */
  ref_kind: string
  ref_value: string
  credential_id: string | null
  /** JSON list; an empty one is the whole tree. */
  sparse_paths: string
  is_shallow: number
  /** Null until it was cloned. */
  commit_sha: string | null
  /** Somebody works on it until then; whoever is later than that has crashed. */
  busy_until: number | null
  created_by: string
  created_at: number
  refreshed_at: number | null
}

/** A volume: files under a limit. Its files are in `volume_files`, their bytes in the store of blobs. */
export interface VolumeRow {
  id: string
  tenant_id: string
  /** `tenant`, `user` or `execution`, and which of them. */
  owner_kind: string
  owner_id: string
  /** `files`, or `attachments` for the volume that uploads to `chat-attachments` go to. */
  purpose: string
  label: string
  /** `persistent` or `ephemeral`. */
  storage_class: string
  size_limit: number
  /** The sum of its files. */
  used_bytes: number
  /** What uploads under way were promised beyond the files they replace. */
  reserved_bytes: number
  created_by: string
  created_at: number
  /** An ephemeral one goes then. */
  expires_at: number | null
}

/** A file or folder of a volume; its root is no row. */
export interface VolumeFileRow {
  volume_id: string
  /** SHA-256 of the path, hex; of the path of the folder it is in. */
  path_key: string
  parent_key: string
  /** Components joined by `/`, without one at the beginning. */
  path: string
  name: string
  is_folder: number
  size: number
  /** Hex; null for a folder, as are the next two. */
  sha256: string | null
  mime_type: string | null
  blob_key: string | null
  modified_at: number
}

/** A file on its way into a volume. Whoever leaves one behind is gone: the sweeper takes it back. */
export interface VolumeUploadRow {
  id: string
  volume_id: string
  blob_key: string
  held_bytes: number
  /** Of the file that it will replace: counted once, whoever else uploads to the same path. */
  credit_bytes: number
  credit_key: string | null
  touched_at: number
}

/** A blob that nothing names any more. */
export interface VolumeGarbageRow {
  blob_key: string
  created_at: number
}

/** A volume in the workspace of an execution. */
export interface VolumeMountRow {
  volume_id: string
  execution_id: string
  /** As the manifest names it. */
  name: string
  mount_path: string
  /** `read-only` or `read-write`. */
  access: string
  created_at: number
  /** Null while the execution has it. */
  released_at: number | null
}

/** What somebody tried with files and may not. */
export interface StorageViolationRow {
  seq: Generated<number>
  id: string
  tenant_id: string
  category: string
  execution_id: string | null
  volume_id: string | null
  path: string | null
  operation: string
  details: string
  created_at: number
}

/** A security context of a tenant, as it is now. */
export interface SecurityContextRow {
  tenant_id: string
  name: string
  /** JSON. */
  definition: string
  /** Counts the changes, from 1. */
  version: number
  created_at: number
  updated_at: number
  updated_by: string
}

/** A key that security tokens are signed with. */
export interface SealTokenKeyRow {
  id: string
  public_pem: string
  private_key_sealed: Uint8Array
  created_at: number
}

/** A program outside that may attest by the address it was given. */
export interface SealWorkloadRow {
  id: string
  tenant_id: string
  workload_id: string
  token_hash: string
  /** JSON list of names. */
  allowed_contexts: string
  agent_id: string
  agent_name: string
  execution_id: string
  env: string
  created_by: string
  created_at: number
  expires_at: number | null
  revoked_at: number | null
}

/** A session of SEAL: a public key, and what calls signed with it may do. */
export interface SealSessionRow {
  id: string
  tenant_id: string
  agent_id: string
  agent_name: string
  execution_id: string
  env: string
  public_key: string
  token_hash: string
  /** JSON: the context as it was when the session began. */
  security_context: string
  /** JSON list. */
  allowed_tool_patterns: string
  /** What the attestation rested on; a later one with the same proof takes the place of this session. */
  proof: string
  principal: string | null
  user_id: string | null
  workload_id: string | null
  zaru_tier: string | null
  status: string
  revoked_reason: string | null
  created_at: number
  expires_at: number
  ended_at: number | null
}

/** A signature that was accepted, for as long as its envelope could pass as fresh. */
export interface SealEnvelopeRow {
  session_id: string
  signature: string
  until_at: number
}

/** Something that was refused and that people who look after security should see. */
export interface SecurityIncidentRow {
  id: string
  tenant_id: string
  category: string
  severity: string
  agent_id: string | null
  execution_id: string | null
  session_id: string | null
  tool_name: string | null
  details: string
  occurred_at: number
}

export interface Schema {
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
  users: UserRow
  user_sessions: UserSessionRow
  api_keys: ApiKeyRow
  signing_keys: SigningKeyRow
  bundles: BundleRow
  deployments: DeploymentRow
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
