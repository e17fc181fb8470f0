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
