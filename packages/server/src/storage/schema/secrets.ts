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
