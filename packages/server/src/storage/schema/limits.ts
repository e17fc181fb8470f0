/** A limit that an administrator set for a tenant, or for a user of it. */
export interface RateLimitOverrideRow {
  id: string
  tenant_id: string
  /** Null: for everybody of the tenant. */
  user_id: string | null
  resource_type: string
  bucket: string
  limit_value: number
  burst_value: number | null
  created_at: number
  updated_at: number
}

/** What was counted in the newest window of a counter. */
export interface RateLimitCounterRow {
  scope_type: string
  scope_id: string
  resource_type: string
  bucket: string
  window_seconds: number
  /** Milliseconds since 1970. */
  window_start: number
  counter: number
  /** The limit when it was last counted against; null: without one. */
  limit_value: number | null
}
