/** What the server answers, name for name (console-api §8). Wire names stay snake_case; the console reads them as they are. */

export type Environment = 'production' | 'staging' | 'development'
export const ENVIRONMENTS: readonly Environment[] = ['production', 'staging', 'development']

/** ISO 8601, UTC. */
export type Timestamp = string

export interface Health {
  readonly status: 'ok' | 'degraded'
  readonly bootstrap_complete: boolean
}

export interface Me {
  readonly user_id: string
  readonly tenant_id: string
  readonly email: string
  readonly is_admin: boolean
}

export interface ApiKey {
  readonly id: string
  readonly prefix: string
  readonly env: Environment
  readonly label: string | null
  readonly created_at: Timestamp
}

/** The answer to creating a key; the only time the whole key is seen. */
export interface CreatedKey extends ApiKey {
  readonly key: string
}

export interface BundleSummary {
  readonly name: string
  readonly latest_version: number
  readonly version_count: number
  readonly last_updated: Timestamp
  readonly deployed_envs: readonly string[]
  /** Null when the YAML of the latest version cannot be parsed. */
  readonly contract_count: number | null
  readonly last_deployed_at: Timestamp | null
}

export interface Bundle {
  readonly id: string
  readonly tenant_id: string
  readonly name: string
  readonly version: number
  readonly revision_hash: string
  readonly signature_hex: string | null
  readonly source_hub_slug: string | null
  readonly source_hub_revision: string | null
  readonly uploaded_by: string
  readonly created_at: Timestamp
}

/** The answer to an upload: the bundle, and what to know before deploying it. */
export interface UploadedBundle extends Bundle {
  readonly warnings?: readonly { readonly message: string; readonly line?: number | null }[]
}

export interface BundleVersion extends Bundle {
  readonly deployed_envs: readonly string[]
}

export interface Deployment {
  readonly id: string
  readonly env: string
  readonly bundle_name: string
  readonly bundle_version: number
  readonly deployed_by: string
  readonly created_at: Timestamp
}

/** What the agent's SDK sent about a call; read it with `payloadText`. */
export type EventPayload = Readonly<Record<string, unknown>>

export interface AuditEvent {
  readonly id: string
  readonly call_id: string
  readonly agent_id: string
  readonly tool_name: string
  readonly verdict: string
  readonly mode: string
  readonly timestamp: Timestamp
  readonly payload: EventPayload | null
  readonly created_at: Timestamp
}

export type ApprovalStatus = 'pending' | 'approved' | 'denied' | 'timeout'

export interface Approval {
  readonly id: string
  readonly status: ApprovalStatus
  readonly agent_id: string
  readonly tool_name: string
  readonly tool_args: Readonly<Record<string, unknown>> | null
  readonly message: string
  readonly env: string
  /** Seconds from `created_at`. */
  readonly timeout_seconds: number
  readonly timeout_effect: 'deny' | 'allow'
  readonly decision_source: string | null
  readonly contract_name: string | null
  readonly decided_by: string | null
  readonly decided_at: Timestamp | null
  readonly decision_reason: string | null
  readonly decided_via: string | null
  readonly created_at: Timestamp
}

export interface AgentConnection {
  readonly agent_id: string
  readonly env: string
  readonly bundle_name: string | null
  readonly policy_version: string | null
  readonly status: 'current' | 'drift' | 'unknown'
  readonly connected_at: Timestamp
}

export interface StatsOverview {
  readonly pending_approvals: number
  readonly active_agents: number
  readonly total_agents: number
  readonly events_24h: number
  readonly denials_24h: number
  readonly observe_findings_24h: number
  readonly contracts_triggered_24h: number
}

export interface HistogramBucket {
  readonly bucket_start: Timestamp
  readonly allowed: number
  readonly denied: number
  readonly pending: number
  readonly observed: number
}

/** One entry of a 422 (console-api §1.2); the bundle loader adds where in the text it was. */
export interface Problem {
  readonly loc: readonly (string | number)[]
  readonly msg: string
  /** Inside the document, for example `contracts[3].when`. */
  readonly path?: string
  readonly line?: number | null
  readonly column?: number | null
  readonly hint?: string | null
}

/** What the dashboard stream carries (console-api §9.1). */
export type LiveEvent =
  | { readonly type: 'contract_update'; readonly bundle_name: string; readonly version: number }
  | {
      readonly type: 'bundle_uploaded'
      readonly bundle_name: string
      readonly version: number
      readonly uploaded_by: string
    }
  | {
      readonly type: 'bundle_deployed'
      readonly bundle_name: string
      readonly version: number
      readonly env: string
      readonly deployed_by: string
    }
  | { readonly type: 'composition_changed'; readonly composition_name: string }
  | { readonly type: 'contract_created' | 'contract_updated'; readonly contract_id: string }
  | {
      readonly type: 'approval_created'
      readonly approval_id: string
      readonly agent_id: string
      readonly tool_name: string
      readonly message: string
    }
  | {
      readonly type: 'approval_decided'
      readonly approval_id: string
      readonly status: string
      readonly decided_by: string
    }
  | {
      readonly type: 'approval_timeout'
      readonly approval_id: string
      readonly agent_id: string
      readonly tool_name: string
    }
  | { readonly type: 'assignment_changed'; readonly agent_id?: string; readonly bundle_name?: string | null }
  | { readonly type: 'event_created'; readonly accepted: number }
  | { readonly type: 'api_key_created' | 'api_key_revoked'; readonly key_id: string }
  | { readonly type: 'signing_key_rotated'; readonly public_key: string }

export type LiveEventType = LiveEvent['type']
export const LIVE_EVENT_TYPES: readonly LiveEventType[] = [
  'contract_update',
  'bundle_uploaded',
  'bundle_deployed',
  'composition_changed',
  'contract_created',
  'contract_updated',
  'approval_created',
  'approval_decided',
  'approval_timeout',
  'assignment_changed',
  'event_created',
  'api_key_created',
  'api_key_revoked',
  'signing_key_rotated',
]
