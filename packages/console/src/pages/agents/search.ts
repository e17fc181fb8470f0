/** `offline`: no stream is open; the others are connected. */
export type Health = 'drift' | 'unknown' | 'current' | 'offline'

/** What of the coverage one can filter by. */
export const COVERAGES = ['ungoverned', 'enforced', 'observed'] as const
export type CoverageFilter = (typeof COVERAGES)[number]

export interface FleetFilter {
  readonly q?: string
  readonly status?: Health | 'connected'
  readonly env?: string
  readonly coverage?: CoverageFilter
  readonly kind?: 'guarded' | 'managed'
}

export const TABS = ['coverage', 'history', 'assignment'] as const
export type AgentTab = (typeof TABS)[number]
