import type { RequestOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import type { Transport } from '../http/transport.ts'

export interface ApiKeyInfo {
  readonly id: string
  readonly name: string
  readonly scopes?: readonly string[]
  readonly status?: string
  readonly created_at: string
  readonly expires_at: string | null
  readonly last_used: string | null
}

export interface ApiKeyWithValue extends ApiKeyInfo {
  /** In this answer alone. */
  readonly key_value: string
}

export interface CreateApiKeyRequest {
  readonly name: string
  /** What running agents takes where absent; never more than you have. */
  readonly scopes?: readonly string[]
  /** RFC 3339; never where absent. */
  readonly expires_at?: string
}

/** Your own API keys of this API. Each call rejects with an `AegisError`; see there. */
export function apiKeyMethods(transport: Transport) {
  return {
    listApiKeys: (
      options?: RequestOptions,
    ): Promise<{ readonly api_keys: readonly ApiKeyInfo[]; readonly count?: number }> =>
      transport.json({ method: 'GET', path: '/v1/api-keys' }, options),
    createApiKey: (payload: CreateApiKeyRequest, options?: RequestOptions): Promise<ApiKeyWithValue> =>
      transport.json({ method: 'POST', path: '/v1/api-keys', json: payload }, options),
    revokeApiKey: (keyId: string, options?: RequestOptions): Promise<{ readonly status: string }> =>
      transport.json({ method: 'DELETE', path: path`/v1/api-keys/${keyId}` }, options),
  }
}

export type ApiKeyMethods = ReturnType<typeof apiKeyMethods>
