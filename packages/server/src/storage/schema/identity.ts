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
