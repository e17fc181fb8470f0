/** What helped against an error, in a tenant. */
export interface CortexPatternRow {
  id: string
  tenant_id: string
  agent_id: string
  execution_id: string
  /** SHA-256 of the error without what differs each time. */
  error_signature: string
  error_type: string
  error_message: string
  approach: string
  solution: string | null
  /** From 0 to 1. */
  weight: number
  frequency: number
  success_count: number
  total_count: number
  /** How often it was given to an attempt whose execution has ended, and how many of those completed. */
  recalled: number
  recalled_well: number
  created_at: number
  last_used_at: number
  decayed_at: number
}

/** How a task was done. */
export interface CortexTrajectoryRow {
  id: string
  tenant_id: string
  agent_id: string
  execution_id: string
  task_signature: string
  /** SHA-256 of the names of its steps, in their order. */
  step_names: string
  steps: string
  weight: number
  count: number
  created_at: number
  last_used_at: number
  decayed_at: number
}

/** A pattern that an execution was given, until it ends. */
export interface CortexUseRow {
  execution_id: string
  pattern_id: string
  used_at: number
}

/** What decay did in a tenant: when last, and in all. */
export interface CortexDecayRow {
  tenant_id: string
  ran_at: number
  decayed: number
  removed: number
}
