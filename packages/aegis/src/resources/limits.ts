import type { RequestOptions } from '../http/options.ts'
import { path as pathOf, query } from '../http/path.ts'
import type { Transport } from '../http/transport.ts'

export type RateLimitBucketName = 'per_minute' | 'hourly' | 'daily' | 'weekly' | 'monthly'

/** For a tenant or for a user, never for both. */
export type CreateRateLimitOverrideRequest = {
  /** `agent_execution`, `workflow_execution`, `llm_call`, `llm_token`, or `seal_tool:` with a tool's name or pattern. */
  readonly resource_type: string
  readonly bucket: RateLimitBucketName
  readonly limit_value: number
  readonly burst_value?: number | null
} & ({ readonly tenant_id: string; readonly user_id?: null } | { readonly user_id: string; readonly tenant_id?: null })

export interface RateLimitOverride {
  readonly id: string
  readonly resource_type: string
  readonly bucket: string
  readonly limit_value: number
  readonly tenant_id: string | null
  readonly user_id: string | null
  readonly burst_value: number | null
  readonly created_at: string
  readonly updated_at: string
}

export interface RateLimitUsageRecord {
  readonly scope_type: string
  readonly scope_id: string
  readonly resource_type: string
  readonly bucket: string
  readonly window_start: string
  readonly counter: number
}

export interface UserRateLimitUsage {
  readonly user_id: string
  /** `usage_pct` is a fraction: 1 is all of it. */
  readonly buckets: readonly { readonly bucket_name: string; readonly usage_pct: number }[]
  /** The same in numbers, and those of the whole tenant. */
  readonly usage?: readonly {
    readonly scope_type: string
    readonly resource_type: string
    readonly bucket: string
    readonly current_count: number
    readonly limit_value: number | null
    readonly window_seconds: number
    readonly resets_at: string
  }[]
  readonly count?: number
}

const OVERRIDES = '/v1/admin/rate-limits/overrides'

/** Limits by time, what was set and what was used. Each call rejects with an `AegisError`; see there. */
export function limitMethods(transport: Transport) {
  return {
    /** In the order in which they were set; of everybody where nobody is named. */
    async listRateLimitOverrides(
      tenantId?: string,
      userId?: string,
      options?: RequestOptions,
    ): Promise<{ readonly overrides: readonly RateLimitOverride[]; readonly count?: number }> {
      const path = `${OVERRIDES}${query({ tenant_id: tenantId, user_id: userId })}`
      return transport.json({ method: 'GET', path }, options)
    },

    /** Set a limit; set again for the same bucket, it is changed. */
    async createRateLimitOverride(
      payload: CreateRateLimitOverrideRequest,
      options?: RequestOptions,
    ): Promise<RateLimitOverride> {
      return transport.json({ method: 'POST', path: OVERRIDES, json: payload }, options)
    },

    /** In force with the next request. */
    async deleteRateLimitOverride(
      overrideId: string,
      options?: RequestOptions,
    ): Promise<{ readonly status: string; readonly id: string }> {
      return transport.json({ method: 'DELETE', path: pathOf`/v1/admin/rate-limits/overrides/${overrideId}` }, options)
    },

    /** What a tenant or a user has used, in windows that are under way. */
    async getRateLimitUsage(
      scopeType: 'tenant' | 'user',
      scopeId: string,
      options?: RequestOptions,
    ): Promise<{ readonly usage: readonly RateLimitUsageRecord[]; readonly count?: number }> {
      const path = `/v1/admin/rate-limits/usage${query({ scope_type: scopeType, scope_id: scopeId })}`
      return transport.json({ method: 'GET', path }, options)
    },

    /** What the caller has used. */
    async getUserRateLimitUsage(options?: RequestOptions): Promise<UserRateLimitUsage> {
      return transport.json({ method: 'GET', path: '/v1/user/rate-limits/usage' }, options)
    },
  }
}

export type LimitMethods = ReturnType<typeof limitMethods>
