import type { RequestOptions } from '../http/options.ts'
import { path, query } from '../http/path.ts'
import type { Transport } from '../http/transport.ts'

export interface CredentialGrant {
  readonly id: string
  readonly grant_id?: string
  readonly credential_id: string
  readonly agent_id: string | null
  readonly workflow_name: string | null
  readonly target_type?: 'agent' | 'workflow' | 'all_agents'
  readonly target_value?: string | null
  readonly permission_type: string
  readonly created_at: string
}

/** A credential, without its value: that comes back by no call. */
export interface Credential {
  readonly id: string
  readonly provider: string
  readonly name?: string
  readonly label?: string
  readonly credential_type?: string
  readonly scope?: string
  readonly status?: 'active' | 'expired' | 'revoked'
  readonly scopes?: readonly string[]
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly grants?: readonly CredentialGrant[]
  readonly owner_user_id?: string
  readonly tenant_id?: string
  readonly created_at: string
  readonly updated_at?: string
  readonly last_used?: string | null
}

export interface CredentialList {
  readonly credentials: readonly Credential[]
  readonly count?: number
}

export type StoreApiKeyRequest = { readonly provider: string } & (
  | { readonly api_key: string }
  | { readonly api_key_value: string }
) & {
    /** What manifests refer to it by (`credential:NAME`); the provider's name where absent. */
    readonly name?: string
    readonly metadata?: Readonly<Record<string, unknown>>
  }

export interface RotateCredentialRequest {
  /** Left out where the provider renews it. */
  readonly new_value?: string
  readonly provider_params?: Readonly<Record<string, unknown>>
}

export interface OAuthInitiateRequest {
  readonly provider: string
  readonly redirect_uri?: string
  readonly scopes?: readonly string[]
  readonly name?: string
  /** Sign in again for this one. */
  readonly credential_id?: string
}

export interface OAuthInitiateResponse {
  /** Where the person signs in. */
  readonly auth_url: string
  readonly authorization_url?: string
  readonly state_token: string
  readonly state?: string
  readonly expires_at: string
}

export interface OAuthCallbackParameters {
  readonly code: string
  readonly state: string
  readonly iss?: string
}

export interface OAuthCallbackResponse {
  readonly credential_id: string
  readonly stored: boolean
  readonly id?: string
  readonly status?: string
}

export interface DeviceInitiateResponse {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string | null
  readonly expires_in: number
  /** Seconds to wait between two polls. */
  readonly interval: number
}

export interface DevicePollRequest {
  readonly device_code: string
  readonly provider: string
}

export interface DevicePollResponse {
  readonly status: 'pending' | 'approved' | 'denied' | 'expired'
  readonly credential_id?: string
  readonly interval?: number
}

export interface AddGrantRequest {
  /** All agents where neither is there. */
  readonly agent_id?: string
  readonly workflow_name?: string
  readonly permission_type?: string
}

/** An authorization server; addresses are found by its issuer, or given one by one. */
export interface OAuthProviderSettings {
  readonly issuer?: string
  readonly authorization_url?: string
  readonly token_url?: string
  readonly device_authorization_url?: string
  readonly client_id: string
  /** One that is left out stays as it was. */
  readonly client_secret?: string
  readonly token_endpoint_auth_method?: 'client_secret_post' | 'client_secret_basic' | 'none'
  readonly scopes?: readonly string[]
  readonly redirect_uris?: readonly string[]
  readonly parameters?: Readonly<Record<string, string>>
}

/** Credentials at other systems, and who may use them. Each call rejects with an `AegisError`; see there. */
export function credentialMethods(transport: Transport) {
  const get = <T>(at: string, options?: RequestOptions): Promise<T> =>
    transport.json({ method: 'GET', path: `/v1/credentials${at}` }, options)
  const post = <T>(at: string, json: unknown, options?: RequestOptions): Promise<T> =>
    transport.json({ method: 'POST', path: `/v1/credentials${at}`, json }, options)
  const remove = <T>(at: string, options?: RequestOptions): Promise<T> =>
    transport.json({ method: 'DELETE', path: `/v1/credentials${at}` }, options)
  return {
    listCredentials: (options?: RequestOptions): Promise<CredentialList> => get('', options),
    getCredential: (credentialId: string, options?: RequestOptions): Promise<Credential> =>
      get(path`/${credentialId}`, options),
    storeApiKey: (payload: StoreApiKeyRequest, options?: RequestOptions): Promise<Credential> =>
      post('/api-keys', payload, options),
    revokeCredential: (credentialId: string, options?: RequestOptions): Promise<{ readonly status: string }> =>
      remove(path`/${credentialId}`, options),
    rotateCredential: (
      credentialId: string,
      payload?: RotateCredentialRequest,
      options?: RequestOptions,
    ): Promise<Credential> => post(path`/${credentialId}/rotate`, payload ?? {}, options),

    oauthInitiate: (payload: OAuthInitiateRequest, options?: RequestOptions): Promise<OAuthInitiateResponse> =>
      post('/oauth/initiate', payload, options),
    oauthCallback: (parameters: OAuthCallbackParameters, options?: RequestOptions): Promise<OAuthCallbackResponse> =>
      get(`/oauth/callback${query({ ...parameters })}`, options),
    deviceInitiate: (payload: OAuthInitiateRequest, options?: RequestOptions): Promise<DeviceInitiateResponse> =>
      post('/oauth/device/initiate', payload, options),
    devicePoll: (payload: DevicePollRequest, options?: RequestOptions): Promise<DevicePollResponse> =>
      post('/oauth/device/poll', payload, options),

    listGrants: (
      credentialId: string,
      options?: RequestOptions,
    ): Promise<{ readonly grants: readonly CredentialGrant[]; readonly count?: number }> =>
      get(path`/${credentialId}/grants`, options),
    addGrant: (credentialId: string, payload: AddGrantRequest, options?: RequestOptions): Promise<CredentialGrant> =>
      post(path`/${credentialId}/grants`, payload, options),
    revokeGrant: (
      credentialId: string,
      grantId: string,
      options?: RequestOptions,
    ): Promise<{ readonly status: string }> => remove(path`/${credentialId}/grants/${grantId}`, options),

    putOAuthProvider: (
      name: string,
      settings: OAuthProviderSettings,
      options?: RequestOptions,
    ): Promise<OAuthProviderSettings & { readonly name: string }> =>
      transport.json({ method: 'PUT', path: path`/v1/credentials/providers/${name}`, json: settings }, options),
    listOAuthProviders: (
      options?: RequestOptions,
    ): Promise<{ readonly providers: readonly (OAuthProviderSettings & { readonly name: string })[] }> =>
      get('/providers', options),
    deleteOAuthProvider: (name: string, options?: RequestOptions): Promise<{ readonly status: string }> =>
      remove(path`/providers/${name}`, options),
  }
}

export type CredentialMethods = ReturnType<typeof credentialMethods>
