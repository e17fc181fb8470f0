/** A server that shares this database. */
export interface NodeRow {
  /** Stays with its data folder. */
  id: string
  hostname: string
  version: string
  cpu_cores: number
  memory_bytes: number
  is_draining: number
  registered_at: number
  started_at: number
  heartbeat_at: number
}

/** What a tenant has subscribed to, as the provider of payments said last. */
export interface SubscriptionRow {
  tenant_id: string
  customer_id: string
  subscription_id: string | null
  tier: string
  status: string
  seats: number
  current_period_end: number | null
  cancel_at_period_end: number
  updated_at: number
  /** Counts its changes. */
  revision: number
}

/** An event of the provider of payments that was taken in. */
export interface BillingEventRow {
  id: string
  type: string
  received_at: number
}
