import type { Generated } from 'kysely'

export interface TenantRow {
  id: string
  slug: string
  /** Unique; for tenants since roles came the slug again. */
  name: string
  created_at: number
  /** What people call it; null: its name. */
  display_name: Generated<string | null>
  /** `team` or `personal`. */
  kind: Generated<string>
  /** `active`, `suspended` or `deleted`. */
  status: Generated<string>
  tier: Generated<string>
  /** JSON: what an operator set in place of the tier's. */
  quotas: Generated<string | null>
  updated_at: Generated<number | null>
  deleted_at: Generated<number | null>
}

export interface MemberRow {
  tenant_id: string
  user_id: string
  /** `owner`, `admin`, `member` or `viewer`. */
  role: string
  joined_at: number
  invited_at: number | null
}

export interface UserRow {
  id: string
  tenant_id: string
  email: string
  /** Empty: this person has none and signs in otherwise. */
  password_hash: string
  /** Of before there were roles; written, and not read any more. */
  is_admin: number
  created_at: number
  /** The secret of the second factor, sealed; in force once it is confirmed. */
  totp_sealed: Generated<Uint8Array | null>
  totp_confirmed_at: Generated<number | null>
  /** The last step of time of which a code was taken: none is taken twice. */
  totp_step: Generated<number | null>
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
  address: Generated<string | null>
  user_agent: Generated<string | null>
  /** How the person proved who they are: `password`, `local`, … */
  method: Generated<string | null>
}

export interface InvitationRow {
  id: string
  tenant_id: string
  email: string
  role: string
  token_hash: string
  invited_by: string
  created_at: number
  expires_at: number
  /** When it was accepted or taken back. */
  closed_at: number | null
  accepted_by: string | null
}

export interface PasswordLinkRow {
  token_hash: string
  user_id: string
  created_at: number
  expires_at: number
  used_at: number | null
}

export interface RecoveryCodeRow {
  user_id: string
  code_hash: string
  used_at: number | null
}

export interface IdentityProviderRow {
  tenant_id: string
  kind: string
  settings_sealed: Uint8Array
  updated_at: number
}

/** A sign-in that somebody was sent away to a provider for. */
export interface SignInRow {
  state_hash: string
  tenant_id: string
  kind: string
  browser_hash: string
  secret_sealed: Uint8Array
  return_to: string
  expires_at: number
  used_at: number | null
}

/** Somebody who signs in on a terminal, while they type their code in at the provider. */
export interface DeviceSignInRow {
  handle_hash: string
  tenant_id: string
  secret_sealed: Uint8Array
  interval_seconds: number
  ask_at: number
  expires_at: number
}

/** Who somebody of a provider is here. */
export interface ExternalIdentityRow {
  tenant_id: string
  issuer: string
  subject: string
  user_id: string
  created_at: number
}

export interface AdministrativeActRow {
  id: string
  tenant_id: string
  at: number
  actor: string
  principal: string
  action: string
  target: string
  /** JSON. */
  details: string
  /** Of the answer; null: it was begun, and the server ended before it answered. */
  status: number | null
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
  /** `contracts` or `rulesets`: which documents its agents read. */
  client: string
  /** `hex` or `base64`; null as the server is set. */
  signature: string | null
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
