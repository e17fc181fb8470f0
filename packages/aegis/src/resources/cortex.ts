import type { RequestOptions } from '../http/options.ts'
import { query } from '../http/path.ts'
import type { Transport } from '../http/transport.ts'

/** What helped against an error. */
export interface CortexPattern {
  readonly id: string
  readonly error_signature?: string
  readonly error_type?: string
  readonly error_message?: string
  readonly solution?: string
  readonly solution_approach?: string
  readonly solution_code?: string | null
  /** From 0 to 1. */
  readonly success_rate?: number
  /** Its weight, from 0 to 1. */
  readonly success_score?: number
  readonly frequency?: number
  readonly created_at: string
  readonly last_used_at?: string
}

/** What was learned of one kind of error. */
export interface CortexSkill {
  readonly id: string
  readonly name?: string
  readonly description?: string
  readonly category?: string
  /** `intermediate` or `advanced`. */
  readonly level?: string
  readonly capability_tags?: readonly string[]
  readonly patternCount?: number
  readonly usageCount?: number
  /** In percent. */
  readonly successRate?: number
}

export interface CortexMetrics {
  readonly pattern_count: number
  readonly solution_count: number
  readonly avg_success_rate?: number | null
  readonly memory_utilization?: number
  readonly recall_accuracy?: number | null
  readonly decay?: { readonly lastRunAt?: string | null; readonly decayed?: number; readonly removed?: number }
}

/** What agents have learned; 503 where the server has no memory. Each call rejects with an `AegisError`; see there. */
export function cortexMethods(transport: Transport) {
  return {
    listCortexPatterns: (
      filter?: { readonly query?: string; readonly limit?: number },
      options?: RequestOptions,
    ): Promise<{ readonly patterns: readonly CortexPattern[]; readonly count?: number }> =>
      transport.json({ method: 'GET', path: `/v1/cortex/patterns${query(filter)}` }, options),
    getCortexSkills: (
      page?: { readonly limit?: number },
      options?: RequestOptions,
    ): Promise<{ readonly skills: readonly CortexSkill[]; readonly count?: number }> =>
      transport.json({ method: 'GET', path: `/v1/cortex/skills${query(page)}` }, options),
    getCortexMetrics: (filter?: { readonly metric_type?: string }, options?: RequestOptions): Promise<CortexMetrics> =>
      transport.json({ method: 'GET', path: `/v1/cortex/metrics${query(filter)}` }, options),
  }
}

export type CortexMethods = ReturnType<typeof cortexMethods>
